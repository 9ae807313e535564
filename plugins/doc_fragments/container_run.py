# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    # The options that concern a whole run of the modules container and containers.
    DOCUMENTATION = r"""
options:
  project:
    description:
      - What the containers belong to, recorded as a label on each.
      - Also the name of the bridge network that containers without O(ignore:networks) are attached to, and with
        C(-internal) behind it that of those with O(ignore:internal=true). They are made if they do not exist.
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
  allowed_images:
    description:
      - The repositories that images may come from, such as V(registry.example.org/shop/*) or
        V(docker.io/library/redis). The control is C(container.image_registry); running containers are judged too.
      - References and entries are completed as the engine completes them before they are compared, so V(redis) is
        V(docker.io/library/redis) and V(shop/web) is V(docker.io/shop/web). The registry, with its port if it has one,
        has to be the same.
      - In the path, V(*) stands for any characters of one part, and never for a V(/). V(**) as the last part stands for
        everything below, at any depth, so V(registry.example.org/**) is a whole registry.
      - An entry has no tag and no digest, and covers all of them.
      - An image that is given by its id is of no repository. A name proves nothing of an image that was loaded or
        tagged on the host by hand; a digest in the reference does.
      - With an empty list every repository is allowed.
    type: list
    elements: str
    default: []
  max_image_size:
    description:
      - How large an image may be, such as V(200m), as the engine reports its size. The control is
        C(container.image_size); running containers are judged too.
      - It is judged as soon as the image is on the host, for one that has to be pulled after its pull. No container has
        been touched by then.
      - Without it every size is allowed.
    type: str
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
  inspect_processes:
    description:
      - Of which containers the processes are looked at, for the control container.one_application. More than one
        program beside the init is a finding and a warning. Workers of one program count once, and a shell that only
        starts it does not count.
      - V(started) looks at those that this run started, once they are healthy; V(always) at those too that were running
        already, which costs the engine some 20 ms each; V(never) at none.
      - The engine lists them by the program C(ps) of its host. Where it cannot, the control does not apply.
    type: str
    choices: [started, always, never]
    default: started
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
notes:
  - Passwords and keys do not belong in environment variables; everybody who may talk to the engine can read them there.
  - While a task lasts longer than five seconds, its steps are shown, how much of an image is pulled and which container
    waits for its health among them. The variable C(caisson_progress_interval) sets other seconds; V(0) shows nothing.
  - Steps are shown over the connections P(ansible.builtin.local#connection) and P(ansible.builtin.ssh#connection), the
    latter with C(ControlPersist), as is the default; not with C(async) or C(no_log), and not in check mode.
"""
