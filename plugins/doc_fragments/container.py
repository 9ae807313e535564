# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import textwrap

from ansible_collections.caisson.hardening.plugins.doc_fragments.container_host import HOST_OPTIONS
from ansible_collections.caisson.hardening.plugins.doc_fragments.container_life import LIFE_OPTIONS
from ansible_collections.caisson.hardening.plugins.doc_fragments.container_secrets import OPTIONS as SECRETS_OPTIONS

# One text for both modules: `container` has the options at the top, `containers` in each entry of its list.
_OPTIONS = r"""
name:
  description: The container's name.
  type: str
  required: true
state:
  description:
    - V(started) makes sure that it runs and, after a change, that it is healthy.
    - V(stopped) and V(present) make sure that it exists as described; V(present) leaves alone whether it runs.
    - V(absent) stops and removes it, and after the last one on them the networks that a run made by itself, because
      containers named none. Volumes stay.
    - V(rolled_back) brings back the generation that a run with O(@keep_previous=true) kept; the one that serves now is
      kept in its place. Where that was done already, nothing is changed. Every option but O(@name) is left aside. What
      it breaks, under the waivers that it carries, is a warning and no refusal.
  type: str
  choices: [started, stopped, present, absent, rolled_back]
  default: started
image:
  description:
    - The image, by digest or by a tag other than V(latest).
    - Needed unless O(@state=absent) or O(@state=rolled_back).
    - "Controls: container.image_tag, and container.image_digest, demanded by the profile V(strict)."
  type: str
pull:
  description:
    - V(missing) pulls the image if it is not on the host, V(never) fails then.
    - V(always) asks the registry each time.
  type: str
  choices: [missing, always, never]
  default: missing
command:
  description: The command, as a string split as a shell would, or as a list. Without it the image's own.
  type: raw
entrypoint:
  description: The entrypoint as a list. Without it the image's own; with it the image's command does not count.
  type: list
  elements: str
env:
  description:
    - Environment variables. The image's stay unless they are given here.
    - Values are never shown in results, differences or logs. Numbers and booleans must be quoted.
    - "Control: container.env_secrets."
  type: dict
user:
  description:
    - The user, as UID, UID:GID or names that the image knows. Without it the image's own.
    - Root is refused, and so is a group with power over the host.
    - "Controls: container.user, container.groups."
  type: str
working_dir:
  description: The working directory.
  type: str
labels:
  description: Labels, beside the image's and the collection's own, which begin with C(caisson.hardening.).
  type: dict
hostname:
  description: The host name. Without it the engine takes the container's id.
  type: str
init:
  description:
    - Run an init as process 1 that reaps zombies and passes signals on.
    - "Control: container.init."
  type: bool
  default: true
healthcheck:
  description:
    - The check of the container's health. Parts that are not given are the image's, else the engine's defaults.
    - "Control: container.healthcheck, demanded by the profile V(strict)."
  type: dict
  suboptions:
    test:
      description:
        - A shell line, or a list that begins with C(CMD) or C(CMD-SHELL). V(NONE) switches the image's check off.
      type: raw
    interval:
      description: Time between two checks, such as V(30s).
      type: str
    timeout:
      description: Time that one check may take.
      type: str
    start_period:
      description: Time after the start in which a failing check does not count.
      type: str
    start_interval:
      description: Time between two checks in that period. Needs Docker 25 or later.
      type: str
    retries:
      description: How many failing checks in a row make the container unhealthy.
      type: int
read_only:
  description:
    - Mount the root file system read-only.
    - "Control: container.read_only."
  type: bool
  default: true
tmpfs:
  description:
    - Scratch file systems in memory as C(PATH) or C(PATH:OPTIONS), beside those on C(/tmp) (64 MiB) and C(/run)
      (16 MiB). One given for these paths replaces the default.
    - C(noexec), C(nosuid), C(nodev) and C(size=64m) are added unless the opposite is written.
    - They belong to the container's user where that is a number, unless C(uid) or C(gid) is written. Some runtimes do
      not keep to C(mode), and a user who does not own the directory could not write there.
    - "Controls: container.tmpfs_options, container.tmpfs_size."
  type: list
  elements: str
mounts:
  description:
    - Volumes and paths of the host.
    - A volume whose C(local) driver mounts a path or a disk of the host is judged as that path is, also where this run
      does not declare it.
    - "Controls: container.host_paths, container.docker_socket, container.mount_propagation."
  type: list
  elements: dict
  suboptions:
    target:
      description: The path inside.
      type: str
      required: true
    source:
      description: The volume's name, or the path of the host. A volume without a name is anonymous.
      type: str
    type:
      description: What is mounted. A bind of a path that does not exist is refused by the engine.
      type: str
      choices: [bind, volume]
      default: volume
    read_only:
      description: Mount it read-only.
      type: bool
      default: false
    propagation:
      description: The mount propagation of a bind. Without it C(rprivate).
      type: str
      choices: [private, rprivate, shared, rshared, slave, rslave]
volumes:
  description: The short form of O(@mounts), as C(SOURCE:TARGET[:ro]).
  type: list
  elements: str
cap_drop:
  description:
    - The capabilities to drop. Without it all of them.
    - "Control: container.cap_drop."
  type: list
  elements: str
capabilities:
  description:
    - The capabilities to add after the drop. Without it none.
    - "Controls: container.capabilities, and one of its own for each dangerous one, such as
      container.capability_sys_admin."
  type: list
  elements: str
security_opts:
  description:
    - Security options as C(KEY=VALUE), with the keys C(no-new-privileges), C(seccomp), C(apparmor), C(label) and
      C(systempaths).
    - C(no-new-privileges=true) is added unless the opposite is written.
    - A seccomp profile is given by its content, as C(lookup('file', 'profile.json')) reads it. It is compared by what
      it says and not by its layout.
    - "Controls: container.no_new_privileges, container.seccomp, container.apparmor, container.selinux,
      container.system_paths."
  type: list
  elements: str
memory:
  description:
    - The memory that it may use, with a unit such as V(512m). V(0) is unlimited.
    - "Control: container.memory."
  type: str
  default: 512m
memory_swap:
  description:
    - Memory and swap together. Without it as much as O(@memory), so no swap. V(-1) is unlimited.
    - "Control: container.memory_swap."
  type: str
cpus:
  description:
    - The processors that it may use, such as V(0.5). V(0) is unlimited.
    - "Control: container.cpus."
  type: float
  default: 1.0
pids_limit:
  description:
    - The processes and threads that it may have. V(0) is unlimited.
    - "Control: container.pids_limit."
  type: int
  default: 256
ulimits:
  description:
    - Limits of each process as C(NAME:SOFT[:HARD]), beside the defaults C(core:0), C(nofile:1024:4096) and
      C(nproc:4096).
    - "Control: container.ulimits."
  type: list
  elements: str
shm_size:
  description: The size of C(/dev/shm).
  type: str
  default: 64m
networks:
  description:
    - The networks to be attached to. They have to exist, or to be declared in the same run. C(PROJECT) and
      C(PROJECT-internal), with the run's project, are created when a container names them.
    - Without it the project's own bridge network; an empty list is no network at all.
    - "Controls: container.default_bridge, container.network_mode."
  type: list
  elements: dict
  suboptions:
    name:
      description: The network's name.
      type: str
      required: true
    aliases:
      description: More names under which the others on this network find it.
      type: list
      elements: str
    ipv4_address:
      description: A fixed IPv4 address.
      type: str
    ipv6_address:
      description: A fixed IPv6 address.
      type: str
internal:
  description:
    - Keep it off outside reach, as a database should be. Only containers of its internal network can reach it, neither
      the host nor another host can, and it reaches nobody else.
    - Without O(@networks) it is attached to C(PROJECT-internal) instead of C(PROJECT), where PROJECT is the run's.
      Whoever has to reach it names both in its own networks.
    - With O(@published_ports), or with a network that is not internal, it is refused.
  type: bool
  default: false
published_ports:
  description:
    - Ports as C(ADDRESS:HOST_PORT:CONTAINER_PORT[/PROTOCOL]); ranges of the same length are paired.
    - "Controls: container.port_address, container.privileged_port."
  type: list
  elements: str
log_driver:
  description:
    - The log driver.
    - "Control: container.log_driver."
  type: str
  default: local
log_options:
  description: Options of the log driver. V(local) and V(json-file) rotate at 10 MiB and keep 3 files unless told.
  type: dict
sysctls:
  description: Kernel settings of its own namespaces, such as C(net.core.somaxconn).
  type: dict
waivers:
  description:
    - Leave to break controls. Each is recorded on the container as the label C(caisson.hardening.waivers).
    - An expired one counts as absent, and one that nothing needs is reported.
  type: list
  elements: dict
  suboptions:
    control:
      description: The control's id, such as V(container.read_only).
      type: str
      required: true
    reason:
      description: Why, in a sentence that an auditor understands.
      type: str
      required: true
    expires:
      description: The last day on which it counts, as YYYY-MM-DD.
      type: str
      required: true
"""


def _placed(prefix: str, indent: int) -> str:
    """The options at a depth, with references to each other that fit it."""
    text = "\n".join(part.strip("\n") for part in (_OPTIONS, SECRETS_OPTIONS, LIFE_OPTIONS, HOST_OPTIONS))
    return textwrap.indent(text.replace("O(@", f"O({prefix}"), " " * indent)


class ModuleDocFragment:
    # The options of one container, at the top of a module.
    # Annotated, for the checker of documentation reads plain assignments as literals.
    DOCUMENTATION: str = f"options:\n{_placed('', 2)}\n"

    # The same options in each entry of the list `containers`.
    PLURAL: str = f"""
options:
  containers:
    description:
      - The containers.
    type: list
    elements: dict
    required: true
    suboptions:
{_placed("containers[].", 6)}
"""
