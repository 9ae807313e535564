#!/usr/bin/python
# Copyright (c) The caisson.hardening authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configure the Docker daemon as a transaction."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_config
short_description: Configure and harden the Docker daemon as a transaction
version_added: 0.1.0
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Merges settings into the daemon's configuration file, makes the running daemon take them over, and reads back that
    they are in effect. A reload is done where it is enough, a restart only where it is needed.
  - With O(profile) the hardened defaults are among the settings. What the file already has and serves a control, such
    as a log driver that sends the logs away, is left as it is.
  - Everything wrong is found before anything is written. That is a file on disk that is no JSON, keys that dockerd does
    not know, values of the wrong type, and settings that also stand on the daemon's command line. An engine of
    version 23.0 or newer judges the file itself as well.
  - Running containers keep running over a restart of the daemon. C(live-restore) is switched on before it and verified,
    and where the settings do not have it, switched off again after it.
  - If the daemon does not come up, or a setting is not in effect, the former file is put back, the daemon is brought up
    with it, and the error carries the daemon's own last lines.
  - What O(config) or O(remove) would weaken against O(profile) is refused, unless O(waivers) gives leave. A TCP socket
    that does not demand client certificates, and metrics on every address, are refused under every profile and
    wherever they stand, also on the daemon's command line.
  - The outcome of each control is told by what shows it. That is the daemon's own information, the default bridge, and
    what its TCP sockets answer to a client without a certificate. Only what a daemon shows nowhere is told by the file
    that it has read.
  - The state before the first run is kept under C(/var/lib/caisson/daemon), for root only.
notes:
  - Some settings count for new containers only, among them C(log-driver), C(default-ulimits), C(no-new-privileges) and
    C(default-cgroupns-mode). Containers that exist keep theirs until they are created anew. Those that run are named in
    RV(outdated_containers).
  - C(icc) and C(ip) of the default bridge are set up by a daemon that starts while no container runs. Where containers
    outlive the restart, the module says so and does not restart again for it.
  - A restart stops the running containers only where C(live-restore) cannot be on, as in a swarm or where the daemon's
    command line switches it off, and where O(state=absent) opens C(icc) of the default bridge again. A warning says so.
  - A profile never overrides what O(config) says, and leaves out what the engine, its command line or the host does not
    bear. Each is told in a warning.
extends_documentation_fragment:
  - caisson.hardening.history
  - caisson.hardening.daemon_controls
  - caisson.hardening.daemon_service
requirements:
  - root
  - Docker Engine 20.10 or newer
  - Docker SDK for Python 5.0 or newer (package C(python3-docker)) for the Python interpreter that runs the module
options:
  config:
    description:
      - Settings by their names in the configuration file. Objects are merged with what stands in the file, everything
        else is replaced. Other keys of the file are kept.
      - A value of V(null) removes the key, also inside an object.
      - Types are those of the file. The values of C(log-opts) are strings, so write V("3") and not V(3).
      - C(log-opts) belong to one log driver. Where C(log-driver) changes, those that stand in the file are dropped.
      - A key that the engine's version does not have is left out, with a warning.
    type: dict
    default: {}
  profile:
    description:
      - V(baseline) switches C(icc) and C(userland-proxy) off, C(no-new-privileges) and C(live-restore) on, sets the log
        driver C(local) with three files of 10 MB, a default limit of 1024 open files that a program may raise to 16384
        (or to what the daemon itself may have, if that is less), and private cgroup namespaces.
      - V(strict) adds that containers dump no core, that they run under a stricter seccomp profile, which is written
        beside O(path), and that a port published without an address is open to this host only (C(ip), and on engine 24
        or newer C(default-network-opts)). Its controls of user namespaces, of an authorization plugin and of central
        logging need what only the user knows, so they fail until O(config) says it or a waiver gives leave.
      - V(none) adds nothing to O(config).
    type: str
    choices: [baseline, strict, none]
    default: baseline
  remove:
    description:
      - Names of keys to take out of the file. A dot leads into an object, as in V(log-opts.tag).
      - A key that the profile would set is left out of it, too.
    type: list
    elements: str
    default: []
  replace:
    description:
      - Keep nothing of what stands in the file, so that it has exactly O(config) and the profile's settings.
      - A file that is no JSON is refused here, too.
    type: bool
    default: false
  flags:
    description:
      - What becomes of a setting that the daemon's command line has as well, as C(hosts) and C(-H fd://) in most units.
        dockerd does not start with both.
      - V(refuse) names them and changes nothing.
      - V(take_over) takes those flags off the command line, and those that set something else than the profile. A unit
        of systemd gets a drop-in that is read after all others and says its command line without them. A plain daemon
        is started without them. Without a conflict the drop-in goes again.
      - The sockets in C(hosts) must have the one at O(docker_host) among them. With V(fd://) that is the one that
        systemd holds.
    type: str
    choices: [refuse, take_over]
    default: refuse
  backups:
    description: How many dated copies of former files to keep. V(0) makes none.
    type: int
    default: 5
  path:
    description: The configuration file, which must be the one that the daemon reads.
    type: path
    default: /etc/docker/daemon.json
  assume_engine:
    description:
      - Write the file also where no engine is installed yet, because a later task installs one, whose first start
        then has it. Run the module once more after that, to see that it is in effect; if the engine does not come up,
        that run takes the file back and starts it without.
      - In check mode, where an earlier task would install it, a missing SDK is no error either.
    type: bool
    default: false
  engine_version:
    description:
      - The version of the engine that will be installed, or of its package. With it, keys that this engine does not
        have are left out. Counts with O(assume_engine) only where none is installed.
    type: str
    default: ""
  state:
    description:
      - V(present) brings the settings into effect.
      - V(absent) brings back the file from before the first run, byte for byte, or its absence, and the command line
        that the daemon had, and restarts it if that is needed. Nothing happens where the module never changed the file.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    description: Predicts exactly what a run would do, and touches nothing.
    support: full
  diff_mode:
    description: Shows the file before and after, with secrets masked.
    support: full
  idempotent:
    description: A second run changes nothing and restarts nothing.
    support: full
"""

EXAMPLES = r"""
- name: The hardened defaults, on a host with systemd or without
  caisson.hardening.docker_daemon_config:

- name: Show what the strict profile would change
  caisson.hardening.docker_daemon_config:
    profile: strict
  check_mode: true
  diff: true

- name: The hardened defaults, with settings of one's own
  caisson.hardening.docker_daemon_config:
    config:
      log-driver: json-file
      log-opts:
        max-size: 50m
        max-file: "5"
      default-address-pools:
        - base: 10.200.0.0/16
          size: 24
    remove:
      - debug

- name: Only the two registry settings, which need a reload and no restart
  caisson.hardening.docker_daemon_config:
    profile: none
    config:
      registry-mirrors:
        - https://mirror.example.org
      max-concurrent-downloads: 2

- name: Reachable over TCP, for clients with a certificate only
  caisson.hardening.docker_daemon_config:
    config:
      hosts:
        - unix:///var/run/docker.sock
        - tcp://10.20.0.5:2376
    tls: true
    tls_names:
      - docker1.example.org

- name: All that the strict profile demands, with leave for what this site does not have yet
  caisson.hardening.docker_daemon_config:
    profile: strict
    config:
      userns-remap: default
      log-driver: syslog
      log-opts:
        syslog-address: tcp+tls://logs.example.org:6514
    allow_hidden: true
    waivers:
      - control: daemon.authorization_plugin
        reason: The plugin is being tested
        expires: 2030-06-30

- name: A second socket, although the unit says -H fd:// already
  caisson.hardening.docker_daemon_config:
    config:
      hosts:
        - fd://
        - unix:///run/docker-second.sock
    flags: take_over

- name: Exactly these settings, whatever stood in the file
  caisson.hardening.docker_daemon_config:
    profile: none
    config:
      live-restore: true
    replace: true

- name: A daemon that was started by hand
  caisson.hardening.docker_daemon_config:
    service_manager: pidfile
    pidfile: /run/docker-second.pid
    docker_host: unix:///run/docker-second.sock
    path: /etc/docker/second.json

- name: Bring back the file from before the first run
  caisson.hardening.docker_daemon_config:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be, in order.
  returned: success
  type: list
  elements: str
  sample:
    - "write /etc/docker/daemon.json: set icc, live-restore"
    - reload dockerd, so that live-restore holds before the restart
    - restart dockerd
msg:
  description: The same in one sentence, and how the daemon is run where that is not by systemd.
  returned: always
  type: str
  sample: "nothing to do"
decision:
  description: What the settings asked of the daemon, one of V(none), V(reload), V(restart), V(start) and
    V(stop), which takes back that a run started a daemon that was down, where no container runs.
  returned: success
  type: str
  sample: reload
service_manager:
  description: Who runs the daemon, V(systemd), V(pidfile) or V(none). Empty where no engine is installed.
  returned: success
  type: str
  sample: systemd
config:
  description: The settings in the file after the run, secrets masked.
  returned: success
  type: dict
  sample: {"icc": false}
backup:
  description: The dated copy of the former file.
  returned: when a file was replaced
  type: str
  sample: /var/lib/caisson/daemon/backups/daemon.json.20260102T030405.000006Z
outdated_containers:
  description: The running containers that keep settings from before, until they are created anew, and what is old.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "web", "outdated": ["log driver json-file, now local", "may gain new privileges"]}]
findings:
  description: The outcome of each control of the daemon after the run, with its evidence.
  returned: success
  type: list
  elements: dict
  sample:
    - control: daemon.icc
      object: docker daemon
      outcome: pass
      evidence: "default bridge: enable_icc=false"
score:
  description: How many controls apply, and how many passed before and after.
  returned: success
  type: dict
  sample: {"total": 18, "before": 11, "after": 18}
undo:
  description: Where the data lies from which O(state=absent) restores.
  returned: success
  type: str
  sample: /var/lib/caisson/daemon/undo.json
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.daemon.apply import SUBJECT, run
from ..module_utils.daemon.control_options import CONTROL_OPTIONS, tls_request
from ..module_utils.daemon.observe import Options, as_it_stands
from ..module_utils.daemon.plan import Request
from ..module_utils.host import moment
from ..module_utils.host.entry import answer

ARGUMENTS = {
    "config": {"type": "dict", "default": {}},
    "profile": {"type": "str", "choices": ["baseline", "strict", "none"], "default": "baseline"},
    "remove": {"type": "list", "elements": "str", "default": []},
    **CONTROL_OPTIONS,
    "replace": {"type": "bool", "default": False},
    "flags": {"type": "str", "choices": ["refuse", "take_over"], "default": "refuse"},
    "backups": {"type": "int", "default": 5},
    "path": {"type": "path", "default": "/etc/docker/daemon.json"},
    "docker_host": {"type": "str", "default": "unix:///var/run/docker.sock"},
    "service_manager": {"type": "str", "choices": ["auto", "systemd", "pidfile", "none"], "default": "auto"},
    "service": {"type": "str", "default": "docker"},
    "pidfile": {"type": "path", "default": "/var/run/docker.pid"},
    "log_file": {"type": "path", "default": "/var/log/dockerd.log"},
    "start": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 60},
    "assume_engine": {"type": "bool", "default": False},
    "engine_version": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **moment.ARGUMENT,
}


def carried_out(given: dict[str, t.Any], check: bool) -> dict[str, t.Any]:
    """The result of the options, which are taken apart."""
    request = Request(
        config=given.pop("config"),
        profile=given.pop("profile"),
        remove=tuple(given.pop("remove")),
        replace=given.pop("replace"),
        flags=given.pop("flags"),
        controls=tuple(given.pop("controls")),
        waivers=tuple(given.pop("waivers")),
        allow_hidden=given.pop("allow_hidden"),
        tls=tls_request(given),
    )
    return run(Options(request=request, check=check, **given))


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    answer(module, SUBJECT, ARGUMENTS, lambda asked: carried_out(asked, module.check_mode), as_it_stands)


if __name__ == "__main__":
    main()
