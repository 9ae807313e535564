# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

# The options of a container that say how it starts, ends and is replaced; `container` puts them with the others.
LIFE_OPTIONS = r"""
restart_policy:
  description:
    - When the engine restarts it.
    - "Control: container.restart_policy; V(always) and V(unless-stopped) are refused."
  type: str
  choices: ['no', on-failure, always, unless-stopped]
  default: on-failure
restart_retries:
  description: How often V(on-failure) restarts. Without it 5.
  type: int
stop_timeout:
  description: How long it may take to end after the stop signal, in seconds.
  type: int
  default: 10
stop_signal:
  description: The signal that asks it to end. Without it the image's own, else SIGTERM.
  type: str
depends_on:
  description:
    - Containers that have to be there before this one is begun, of this run or on the host.
    - Where one of them fails, this one is not touched.
  type: list
  elements: dict
  suboptions:
    name:
      description: The other container's name.
      type: str
      required: true
    condition:
      description: Whether it has to run, or to be healthy too.
      type: str
      choices: [started, healthy]
      default: started
keep_previous:
  description:
    - Keep the container that is replaced, stopped, as C(NAME.caisson-previous), for O(@state=rolled_back). One
      generation is kept, and none once this is V(false). Its restart policy is C(no) meanwhile, for with C(on-failure)
      the engine would start it together with itself; when it comes back it gets that of the one which it replaces.
  type: bool
  default: false
update_order:
  description:
    - Which comes first when it is replaced, the end of the old container or the start of the new one.
    - V(auto) starts the new one first where both can run at once, so that the service has no pause. A published port, a
      fixed address, a device or a mount that both write to makes that impossible; then the old one is stopped first.
    - V(start-first) is refused where it is impossible, V(stop-first) is for a program of which two must never run.
  type: str
  choices: [auto, stop-first, start-first]
  default: auto
drift_ignore:
  description:
    - Paths in its file system that its program may change, for M(caisson.hardening.container_drift). Recorded on the
      container as the label C(caisson.hardening.drift_ignore).
    - A path stands for itself and everything below it. C(*), C(?) and C([abc]) stand for characters of one name, C(**)
      for any number of directories.
    - Scratch space belongs on a tmpfs and data on a volume, which never count as drift; this is for a container whose
      root is writable by a waiver.
  type: list
  elements: str
"""
