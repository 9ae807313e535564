#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: minimal_image
version_added: 0.1.0
short_description: Make an image of a few programs of the host
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Makes an image that holds a few programs of the host, the libraries they load, and nothing else. It has no package
    manager, and no shell unless one is asked for. No registry is needed.
  - The image is made anew when one of the files has changed on the host.
extends_documentation_fragment:
  - caisson.hardening.engine
  - caisson.hardening.attributes
options:
  name:
    description: The image's name with its tag.
    type: str
    required: true
  programs:
    description: The programs, by name or path. They are found under C(/bin) in the image.
    type: list
    elements: str
    required: true
  user:
    description: The user as which containers of this image run, as UID:GID.
    type: str
    default: 65534:65534
  assume_engine:
    description: In check mode, predict for a fresh engine where none answers.
    type: bool
    default: false
seealso:
  - module: caisson.hardening.container
"""

EXAMPLES = r"""
- name: Make an image that can do no more than sleep
  caisson.hardening.minimal_image:
    name: sleeper:1
    programs: [sleep]
"""

RETURN = r"""
image:
  description: The image's id, empty in check mode if it would be made.
  returned: success
  type: str
  sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
"""

import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.caisson.hardening.plugins.module_utils.containers.engine import Engine, connect
from ansible_collections.caisson.hardening.plugins.module_utils.containers.engine_errors import EngineError
from ansible_collections.caisson.hardening.plugins.module_utils.containers.entry import engine_arguments
from ansible_collections.caisson.hardening.plugins.module_utils.containers.fresh import FreshEngine
from ansible_collections.caisson.hardening.plugins.module_utils.containers.values import IMAGE
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError, Fault, InputError
from ansible_collections.caisson.hardening.plugins.module_utils.images.minimal import (
    CONTENT_LABEL,
    archive,
    collect,
)


def _faults(name: str, user: str) -> list[Fault]:
    faults = []
    if not IMAGE.match(name) or ":" not in name.rpartition("/")[2] or "@" in name:
        faults.append(Fault("image", "name", name, "is not a name with a tag", "write NAME:TAG in lower case"))
    if not re.match(r"\A\d{1,10}:\d{1,10}\Z", user):
        faults.append(Fault("image", "user", user, "is not UID:GID", "write two numbers, such as 65534:65534"))
    return faults


def _engine(module: AnsibleModule) -> Engine:
    try:
        return connect(module.params, 1, Engine)
    except EngineError:
        if module.check_mode and module.params["assume_engine"]:
            return FreshEngine()
        raise


def _make(module: AnsibleModule) -> dict[str, object]:
    name, user = module.params["name"], module.params["user"]
    faults = _faults(name, user)
    if faults:
        raise InputError(faults)
    engine = _engine(module)
    try:
        content = collect(module.params["programs"], user)
        present = engine.image(name)
        if present is not None and (present.get("Labels") or {}).get(CONTENT_LABEL) == content.digest:
            return {"changed": False, "image": present.id}
        before = f"{name} {present.id}\n" if present is not None else ""
        diff = {"before": before, "after": f"{name} with {', '.join(sorted(content.files))}\n"}
        made = "" if module.check_mode else engine.import_image(name, archive(content), content.changes())
        return {"changed": True, "image": made, "diff": diff}
    finally:
        engine.close()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "programs": {"type": "list", "elements": "str", "required": True},
            "user": {"type": "str", "default": "65534:65534"},
            **engine_arguments(),
            "assume_engine": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        result = _make(module)
    except CaissonError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
