# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

# The options of a container that share the host's resources out, or open its isolation; `container` puts them with
# the others.
HOST_OPTIONS = r"""
memory_reservation:
  description:
    - The memory that it is to keep when the host runs short of it, with a unit such as V(128m).
    - Changed on the living container.
  type: str
memory_swappiness:
  description: How readily its memory is swapped out, from 0 to 100. Only where the host has cgroup version 1.
  type: int
oom_killer:
  description:
    - Whether to switch the OOM killer off for this container, as in C(community.docker.docker_container), whose
      name for it this is.
    - "Control: container.oom_kill."
  type: bool
  default: false
oom_score_adj:
  description:
    - How much sooner (up to 1000) or later (down to -1000) than others it is killed when the host's memory is used up.
    - "Control: container.oom_score_adj; less than 0 is refused."
  type: int
  default: 0
cpu_shares:
  description:
    - Its weight against other containers where all processors are busy; the engine's default is 1024. It is no limit.
    - Changed on the living container.
  type: int
cpuset_cpus:
  description:
    - The processors that it may run on, such as V(0-2,4).
    - Changed on the living container.
  type: str
cpuset_mems:
  description:
    - The memory nodes that it may use, such as V(0).
    - Changed on the living container.
  type: str
blkio_weight:
  description:
    - Its weight against other containers in block I/O, from 10 to 1000. Changed on the living container.
    - Left out with a warning where the host's kernel has no such weight.
  type: int
device_read_bps:
  description: How many bytes a second it may read from devices.
  type: list
  elements: dict
  suboptions:
    path:
      description: The device's path on the host.
      type: str
      required: true
    rate:
      description: Bytes a second, with a unit such as V(1m).
      type: str
      required: true
device_read_iops:
  description: How many reads a second it may make from devices.
  type: list
  elements: dict
  suboptions:
    path:
      description: The device's path on the host.
      type: str
      required: true
    rate:
      description: Operations a second.
      type: int
      required: true
device_write_bps:
  description: How many bytes a second it may write to devices.
  type: list
  elements: dict
  suboptions:
    path:
      description: The device's path on the host.
      type: str
      required: true
    rate:
      description: Bytes a second, with a unit such as V(1m).
      type: str
      required: true
device_write_iops:
  description: How many writes a second it may make to devices.
  type: list
  elements: dict
  suboptions:
    path:
      description: The device's path on the host.
      type: str
      required: true
    rate:
      description: Operations a second.
      type: int
      required: true
storage_opts:
  description: Options of the storage driver for its root file system, such as V(size=10G) where the driver has quotas.
  type: dict
privileged:
  description:
    - Give it every capability and every device of the host, without masks and profiles.
    - "Controls: container.privileged, with container.system_paths and container.selinux, which it breaks too."
  type: bool
  default: false
pid_mode:
  description:
    - The process namespace, V(host) or V(private). Without it its own.
    - "Control: container.pid_mode, with container.selinux, for the engine drops the label then."
  type: str
ipc_mode:
  description:
    - The IPC namespace, V(private), V(none), V(shareable) or V(host).
    - "Control: container.ipc_mode; with V(host) also container.selinux."
  type: str
  default: private
uts:
  description:
    - The UTS namespace, V(host) or V(private). Without it its own.
    - "Control: container.uts_mode."
  type: str
userns_mode:
  description:
    - V(host) switches the daemon's user remapping off for this container.
    - "Control: container.userns_mode."
  type: str
cgroupns_mode:
  description:
    - The cgroup namespace.
    - "Control: container.cgroupns_mode."
  type: str
  choices: [private, host]
  default: private
cgroup_parent:
  description:
    - The cgroup under which its own is made. Without it the engine's.
    - "Control: container.cgroup_parent."
  type: str
devices:
  description:
    - Devices of the host as C(HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]]); the permissions are C(rwm) unless given.
    - "Control: container.devices."
  type: list
  elements: str
device_cgroup_rules:
  description:
    - Rules that open devices by number, such as V(c 1:3 r).
    - "Control: container.device_cgroup_rules."
  type: list
  elements: str
device_requests:
  description:
    - Devices that a driver of the engine chooses, such as GPUs.
    - "Control: container.device_requests."
  type: list
  elements: dict
  suboptions:
    driver:
      description: The driver. Without it the engine chooses one by the capabilities.
      type: str
    count:
      description: How many devices; V(-1), the default, is all. Not together with C(device_ids).
      type: int
    device_ids:
      description: The devices by the driver's names for them.
      type: list
      elements: str
    capabilities:
      description: What the devices must be able to do, as a list of lists such as C([[gpu, nvidia]]).
      type: list
      elements: list
      required: true
    options:
      description: Options of the driver.
      type: dict
groups:
  description:
    - More groups of its process, as GIDs or names that the image knows.
    - "Control: container.groups; root's and those with power over the host are refused."
  type: list
  elements: str
runtime:
  description: The runtime, one that the engine has. Without it the engine's default.
  type: str
tty:
  description: Give it a terminal.
  type: bool
  default: false
interactive:
  description: Keep its standard input open.
  type: bool
  default: false
domainname:
  description: The domain name.
  type: str
dns_servers:
  description: DNS servers in the order in which they are asked, in place of the host's.
  type: list
  elements: str
dns_opts:
  description: Options of the resolver, such as V(ndots:1).
  type: list
  elements: str
dns_search_domains:
  description: Domains in which short names are looked up.
  type: list
  elements: str
etc_hosts:
  description: Addresses by name, for C(/etc/hosts); V(host-gateway) is the host.
  type: dict
exposed_ports:
  description:
    - Ports as C(PORT[-PORT][/PROTOCOL]) on which it listens, beside the image's and the published ones. Nothing is
      opened by it.
  type: list
  elements: str
"""


class ModuleDocFragment:
    # The same options alone.
    DOCUMENTATION: str = f"options:\n  {HOST_OPTIONS.strip().replace(chr(10), chr(10) + '  ')}\n"
