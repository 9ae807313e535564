# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    # The options that concern a whole run of the modules container and containers.
    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - Where the engine is reached.
      - Without it, the environment variable E(DOCKER_HOST) is used.
    type: str
    default: unix:///var/run/docker.sock
  ca_path:
    description: The certificate of the authority that signed the engine's, where it is reached over TLS.
    type: path
  client_cert:
    description: The client's certificate, where the engine is reached over TLS.
    type: path
  client_key:
    description: The client's key, where the engine is reached over TLS.
    type: path
  timeout:
    description: How long one answer of the engine may take, in seconds.
    type: int
    default: 60
  project:
    description:
      - What the containers belong to, recorded as a label on each.
      - Also the name of the bridge network that containers without O(ignore:networks) are attached to. It is made if it
        does not exist.
    type: str
    default: caisson
  profile:
    description:
      - The controls that are demanded.
      - V(baseline) breaks no ordinary workload; V(strict) also demands a healthcheck.
    type: str
    choices: [baseline, strict]
    default: baseline
  policy:
    description:
      - With V(enforce), a container that breaks a control without a waiver is refused, with every other, before
        anything is touched.
      - With V(report), it is deployed with a warning.
    type: str
    choices: [enforce, report]
    default: enforce
  healthy_wait_timeout:
    description: How long a started container may take to become healthy, in seconds. An unhealthy one fails at once.
    type: float
    default: 60.0
  settle_time:
    description: How long a started container without a healthcheck has to keep running, in seconds.
    type: float
    default: 1.0
  parallel:
    description: How many containers are worked on side by side.
    type: int
    default: 4
  assume_engine:
    description:
      - In check mode, predict for a fresh engine where none answers, because an earlier task would have installed or
        started one. It does not count in a real run.
    type: bool
    default: false
  assume_images:
    description:
      - In check mode, images that an earlier task would have put on the host. They do not count in a real run.
    type: list
    elements: str
    default: []
requirements:
  - Docker SDK for Python >= 5.0 on the host
  - Docker Engine >= 20.10 (API 1.41)
notes:
  - Passwords and keys do not belong in environment variables; everybody who may talk to the engine can read them there.
  - While a task lasts longer than five seconds, its steps are shown, how much of an image is pulled and which container
    waits for its health among them. The variable C(caisson_progress_interval) sets other seconds; V(0) shows nothing.
  - Steps are shown over the connections P(ansible.builtin.local#connection) and P(ansible.builtin.ssh#connection), the
    latter with C(ControlPersist), as is the default; not with C(async) or C(no_log), and not in check mode.
"""
