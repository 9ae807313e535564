# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls on one container. Pure data; `containers.rules` says how each is judged."""

from __future__ import annotations

from .model import STRICT, Control

# Capabilities with which a process inside can reach the host or every other container, and how.
DANGEROUS_CAPABILITIES = {
    "ALL": "is every capability at once",
    "AUDIT_CONTROL": "switches the host's audit off",
    "AUDIT_READ": "reads the host's audit log",
    "BPF": "loads programs into the host's kernel",
    "CHECKPOINT_RESTORE": "chooses process ids and follows the host's links in /proc/PID/map_files",
    "DAC_READ_SEARCH": "opens any file of the host by its handle",
    "MAC_ADMIN": "rewrites the host's access policy",
    "MAC_OVERRIDE": "ignores the host's access policy",
    "NET_ADMIN": "reconfigures interfaces, routes and packet filters",
    "NET_RAW": "forges packets and takes over the addresses of other containers on its network",
    "PERFMON": "observes every process of the host",
    "SYS_ADMIN": "mounts file systems and enters other namespaces",
    "SYS_BOOT": "reboots the host and loads another kernel",
    "SYS_MODULE": "loads modules into the host's kernel",
    "SYS_NICE": "takes the processors from the host by real-time priority",
    "SYS_PACCT": "switches the host's process accounting on and off",
    "SYS_PTRACE": "reads and changes the memory of other processes",
    "SYS_RAWIO": "reads and writes the host's memory and devices directly",
    "SYS_RESOURCE": "raises its own limits, and uses what is reserved for root",
    "SYS_TIME": "sets the host's clock",
    "SYS_TTY_CONFIG": "hangs the host's terminals up",
    "SYSLOG": "reads the kernel's log with its addresses",
}


def _control(name: str, title: str, reason: str, *references: str, profile: str = "baseline") -> Control:
    return Control(f"container.{name}", title, reason, references, profile)


def _capability(name: str, harm: str) -> Control:
    return _control(
        f"capability_{name.lower()}", f"The capability {name} is not added", f"{name} {harm}.", "CIS Docker 1.8 5.4"
    )


CONTROLS: tuple[Control, ...] = (
    _control(
        "read_only",
        "The root file system is read-only",
        "A process that was taken over cannot plant or change a program.",
        "CIS Docker 1.8 5.13",
        "NIST SP 800-190 4.4.4",
    ),
    _control(
        "tmpfs_options",
        "Every tmpfs is noexec, nosuid and nodev",
        "Scratch space is where a dropped program would be run from.",
        "CIS Docker 1.8 5.13",
    ),
    _control(
        "tmpfs_size",
        "Every tmpfs has a size",
        "A tmpfs without a size takes up to half of the host's memory.",
        "CIS Docker 1.8 5.11",
    ),
    _control(
        "cap_drop",
        "All capabilities are dropped",
        "What is not dropped is there to be abused; few programs need any.",
        "CIS Docker 1.8 5.4",
    ),
    _control(
        "capabilities",
        "No capability is added",
        "Each one gives a process inside a piece of root's power.",
        "CIS Docker 1.8 5.4",
    ),
    *(_capability(name, harm) for name, harm in DANGEROUS_CAPABILITIES.items()),
    _control(
        "no_new_privileges",
        "Processes cannot gain privileges",
        "A setuid program inside the image would otherwise make its caller root.",
        "CIS Docker 1.8 5.26",
    ),
    _control(
        "seccomp",
        "The engine's seccomp profile is in force",
        "It keeps about fifty system calls away that containers have no use for.",
        "CIS Docker 1.8 5.22",
    ),
    _control(
        "apparmor",
        "An AppArmor profile is in force where the host has AppArmor",
        "It denies mounts and writes to /proc even where a capability would allow them.",
        "CIS Docker 1.8 5.2",
    ),
    _control(
        "selinux",
        "SELinux labels are not switched off",
        "The label keeps the container from the files of the host and of others.",
        "CIS Docker 1.8 5.3",
    ),
    _control(
        "privileged",
        "The container is not privileged",
        "A privileged container is root on the host.",
        "CIS Docker 1.8 5.5",
    ),
    _control(
        "system_paths",
        "The kernel's sensitive paths are masked",
        "Without the masks /proc and /sys show and change the host.",
        "CIS Docker 1.8 5.5",
    ),
    _control("memory", "Memory is limited", "One container could starve the host of memory.", "CIS Docker 1.8 5.11"),
    _control(
        "memory_swap",
        "Swap is limited to no more than the memory",
        "Unlimited swap makes a memory limit a slow denial of service.",
        "CIS Docker 1.8 5.11",
    ),
    _control(
        "oom_kill",
        "The kernel may kill the container when its memory is used up",
        "Without it the whole host hangs in place of one container.",
        "NIST SP 800-190 4.4.3",
    ),
    _control(
        "oom_score_adj",
        "The container is not kept from being killed before others",
        "With a lower score the kernel kills the host's own services in its place.",
        "NIST SP 800-190 4.4.3",
    ),
    _control("cpus", "CPU time is limited", "One container could take every processor.", "CIS Docker 1.8 5.12"),
    _control(
        "pids_limit",
        "The number of processes and threads is limited",
        "A fork bomb would take the host's last process id.",
        "CIS Docker 1.8 5.29",
    ),
    _control(
        "ulimits",
        "Open files, processes and core dumps are limited",
        "Limits of the daemon would apply; they are made for a daemon. Core dumps hold secrets.",
        "CIS Docker 1.8 5.19",
    ),
    _control(
        "init",
        "An init reaps processes and passes signals on",
        "Zombies use up process ids, and a stop would wait for its timeout.",
        "Docker documentation, docker run --init",
    ),
    _control(
        "user",
        "The process is not root",
        "Root inside is root outside at the first hole in the isolation.",
        "CIS Docker 1.8 4.1",
    ),
    _control(
        "log_driver",
        "The log is kept, and rotated or sent away",
        "No log is no evidence, and an unbounded one fills the host's disk.",
        "CIS Docker 1.8 2.14",
        "NIST SP 800-190 4.4",
    ),
    _control(
        "restart_policy",
        "A failing container is restarted five times at most",
        "Restarting for ever hides an attack and loads the host.",
        "CIS Docker 1.8 5.15",
    ),
    _control(
        "network_mode",
        "The network namespace is the container's own",
        "In another one it reaches that one's loopback services and raw interfaces.",
        "CIS Docker 1.8 5.10",
    ),
    _control(
        "default_bridge",
        "The default bridge is not used",
        "Every container without a network of its own is on it.",
        "CIS Docker 1.8 5.30",
    ),
    _control(
        "pid_mode",
        "The process namespace is the container's own",
        "In the host's, it sees and signals every process.",
        "CIS Docker 1.8 5.16",
    ),
    _control(
        "ipc_mode",
        "The IPC namespace is the container's own",
        "In a shared one, shared memory of others is open to it.",
        "CIS Docker 1.8 5.17",
    ),
    _control(
        "uts_mode",
        "The UTS namespace is the container's own",
        "In the host's, it could rename the host.",
        "CIS Docker 1.8 5.21",
    ),
    _control(
        "userns_mode",
        "The host's user namespace is not asked for",
        "It would switch the daemon's user remapping off for this container.",
        "CIS Docker 1.8 5.31",
    ),
    _control(
        "cgroupns_mode",
        "The cgroup namespace is the container's own",
        "The host's shows the names of all its services and containers.",
        "Docker documentation, default-cgroupns-mode",
    ),
    _control(
        "cgroup_parent",
        "The cgroup parent is the engine's",
        "Under another parent the limits set on the engine's do not hold.",
        "CIS Docker 1.8 5.25",
    ),
    _control(
        "devices",
        "No device of the host is handed in",
        "A device is the hardware itself, past every file permission.",
        "CIS Docker 1.8 5.18",
    ),
    _control(
        "device_cgroup_rules",
        "No rule opens devices of the host",
        "A device node made inside would reach the hardware.",
        "CIS Docker 1.8 5.18",
    ),
    _control(
        "device_requests",
        "No device is asked for from a driver, such as a GPU",
        "The driver mounts the host's device nodes and libraries into the container.",
        "CIS Docker 1.8 5.18",
    ),
    _control(
        "groups",
        "No group with power over the host is added",
        "Files and devices of root's group, disks and the engine are open to it.",
        "CIS Docker 1.8 4.1",
    ),
    _control(
        "docker_socket",
        "No engine socket is mounted",
        "Who may talk to the engine is root on the host.",
        "CIS Docker 1.8 5.32",
    ),
    _control(
        "host_paths",
        "No sensitive path of the host is mounted",
        "Writing there changes the host; reading there gives its secrets away.",
        "CIS Docker 1.8 5.6",
    ),
    _control(
        "mount_propagation",
        "Mounts do not propagate to the host",
        "A mount made inside would appear outside.",
        "CIS Docker 1.8 5.20",
    ),
    _control(
        "env_secrets",
        "No secret is in the environment",
        "Whoever may inspect the container or read /proc sees it, and so does each program that is started."
        " Mount it as a file, and name it by a variable that ends in _FILE.",
        "CIS Docker 1.8 4.10",
        "NIST SP 800-190 4.1.4",
    ),
    _control(
        "publish_all_ports",
        "Only named ports are published",
        "An image could open further ports of the host with its next version.",
        "CIS Docker 1.8 5.9",
    ),
    _control(
        "port_address",
        "Ports are published on a given address",
        "Without one a port is open on every interface, past the host's packet filter.",
        "CIS Docker 1.8 5.14",
    ),
    _control(
        "privileged_port",
        "No host port below 1024 is published",
        "Those ports are taken for services of the host's administrator.",
        "CIS Docker 1.8 5.8",
    ),
    _control(
        "image_tag",
        "The image is named by digest or by a tag other than latest",
        "With latest nobody can say what runs, nor go back to it.",
        "CIS Docker 1.8 5.28",
        "NIST SP 800-190 4.2.2",
    ),
    _control(
        "image_digest",
        "The image is named by digest",
        "A tag is moved by whoever may push to the registry; a digest is the content itself.",
        "NIST SP 800-190 4.2.2",
        profile=STRICT,
    ),
    _control(
        "one_application",
        "One application runs in the container",
        "With several, the engine restarts, limits and logs none of them by itself, and one that was taken over reaches"
        " the others.",
        "NIST SP 800-190 2.3.1",
        "Docker documentation, Run multiple processes in a container",
    ),
    _control(
        "drift",
        "Nothing was changed in the container's file system",
        "A changed or planted program is how whoever got in stays in; what runs is no longer what was tested.",
        "NIST SP 800-190 4.4.4",
    ),
    _control(
        "image_registry",
        "The image comes from a repository that is allowed",
        "Whoever can publish an image elsewhere could have it run here.",
        "CIS Docker 1.8 4.2",
        "NIST SP 800-190 4.1.5",
    ),
    _control(
        "image_size",
        "The image is no larger than allowed",
        "What is not in an image need not be patched and cannot be abused.",
        "CIS Docker 1.8 4.3",
        "NIST SP 800-190 4.1.2",
    ),
    _control(
        "healthcheck",
        "The container's health is checked",
        "Without a check a hung service counts as running.",
        "CIS Docker 1.8 5.27",
        profile=STRICT,
    ),
)
