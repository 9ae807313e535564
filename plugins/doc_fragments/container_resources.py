# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    # The networks and volumes that the module containers makes for its containers.
    DOCUMENTATION = r"""
options:
  networks:
    description:
      - Networks that are created before the containers, closed unless told otherwise, and compared on each run.
      - The project's own two need no entry. They are created as soon as a container wants them. C(PROJECT) has a way
        out and lets its containers talk to each other; C(PROJECT-internal) lets them talk, has no way out, and cannot
        be reached from outside. An entry of the same name gives them other properties.
      - A network cannot be changed in place. One that differs is created anew if no container, running or stopped, is
        on it. Otherwise the run is refused.
      - One that is there and is not the project's (its label says so) is taken as it is if it has the properties that
        are declared, and refused otherwise. It is never changed or removed.
    type: list
    elements: dict
    suboptions:
      name:
        description: The network's name.
        type: str
        required: true
      state:
        description: V(absent) removes it after the containers. It is refused while other containers are on it.
        type: str
        choices: [present, absent]
        default: present
      driver:
        description: The driver. The networks of others, such as V(macvlan), cannot be closed by these options.
        type: str
        choices: [bridge]
        default: bridge
      internal:
        description:
          - No way out, and none in. No port of a container that is only on internal networks can be published.
        type: bool
        default: true
      icc:
        description:
          - Let its containers talk to each other. A network whose containers are to find each other needs V(true).
          - V(false) needs the host's packet filter to see what passes within a bridge; there is a warning if it does
            not.
        type: bool
        default: false
      host_access:
        description:
          - Let the containers of an internal network and the host reach each other.
          - An engine gives the host an address even on an internal network. All that listens on any address of the
            host can be reached through it, published ports of other containers too. With V(false) the host has no
            IPv4 address there (C(com.docker.network.bridge.inhibit_ipv4)).
          - For IPv6 set C(com.docker.network.bridge.gateway_mode_ipv6=isolated) in O(networks[].driver_options),
            which engines from 27.1 on have.
        type: bool
        default: false
      enable_ipv6:
        description:
          - Give it IPv6 too; this needs a subnet in O(networks[].ipam_config).
          - Engines before 27 filter IPv6 only with C(ip6tables) in their settings; there is a warning.
        type: bool
        default: false
      ipam_config:
        description:
          - Fixed addresses, at most one subnet of IPv4 and one of IPv6. Without it the engine chooses.
          - A container's fixed address needs it.
        type: list
        elements: dict
        suboptions:
          subnet:
            description: The subnet, such as V(10.20.0.0/24).
            type: str
            required: true
          gateway:
            description: The host's address on it. Without it the engine chooses.
            type: str
          iprange:
            description: The part of the subnet that the engine gives addresses from.
            type: str
      driver_options:
        description: Further options of the driver, such as C(com.docker.network.driver.mtu). Values must be strings.
        type: dict
      labels:
        description: Labels, beside the collection's own.
        type: dict
  volumes:
    description:
      - Volumes that are created before the containers. They are never changed and never removed.
      - One that is there with other properties is refused; one that nobody declared is created by the engine as ever.
      - A program on a volume cannot be executed, a setuid bit on it counts for nothing and a device on it cannot be
        opened (C(noexec), C(nosuid), C(nodev)) wherever the engine can hold this. It can where the C(local) driver
        mounts something of its own (V(tmpfs), a device, a server) and on a bind with C(ro).
      - The engine has no way to hold it on a plain volume, which is a directory of the engine, nor on a bind without
        C(ro). There these flags hold only if the file system below is mounted with them on the host. Asking for them
        there is refused, so that nobody is misled.
    type: list
    elements: dict
    suboptions:
      name:
        description: The volume's name.
        type: str
        required: true
      state:
        description: The only state. C(docker volume rm) removes a volume with its data.
        type: str
        choices: [present]
        default: present
      driver:
        description: The driver.
        type: str
        default: local
      driver_options:
        description:
          - Options of the driver. Those of V(local) are C(type), C(device), C(o) (as for mount) and C(size).
          - A V(tmpfs) without a size gets 64 MiB.
          - A bind of a path that O(containers[].mounts) would refuse is refused here too. A container that mounts the
            volume of a disk of the host, or of a symbolic link to such a path, needs a waiver of container.host_paths.
          - Never shown in results or logs, for they may hold a password.
        type: dict
      labels:
        description: Labels, beside the collection's own. On a volume that is there already they cannot be changed.
        type: dict
      exec:
        description:
          - Let programs on it be executed. V(false) insists on the opposite. Without it as far as it can be held.
        type: bool
      suid:
        description:
          - Let setuid bits on it count. V(false) insists on the opposite. Without it as far as it can be held.
        type: bool
      dev:
        description:
          - Let devices on it be opened. V(false) insists on the opposite. Without it as far as it can be held.
        type: bool
"""
