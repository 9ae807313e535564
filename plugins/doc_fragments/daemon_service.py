# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options that say which daemon is meant and who runs it."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  docker_host:
    description: The address at which the daemon answers.
    type: str
    default: unix:///var/run/docker.sock
  service_manager:
    description:
      - Who runs the daemon. V(systemd) is the service O(service), V(pidfile) a plain dockerd known by O(pidfile).
      - V(auto) is V(systemd) where systemd runs and knows the service, else V(pidfile).
      - V(none) writes the file only, and warns if the daemon must still take it over.
    type: str
    choices: [auto, systemd, pidfile, none]
    default: auto
  service:
    description: The daemon's systemd service.
    type: str
    default: docker
  pidfile:
    description: The pid file of a plain dockerd. Such a daemon is started again with the command line it had.
    type: path
    default: /var/run/docker.pid
  log_file:
    description: Where a plain dockerd logs that this module starts first. One that runs keeps its own file.
    type: path
    default: /var/log/dockerd.log
  start:
    description: Start the daemon if none runs. Without it, a daemon that is down is an error.
    type: bool
    default: true
  timeout:
    description: How many seconds the daemon may take to end, and to answer again.
    type: int
    default: 60
"""
