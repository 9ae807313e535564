#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: image_inspect
version_added: 0.1.0
short_description: Say what images hold, and judge it
author:
  - The caisson.hardening authors (@caisson-hardening)
description:
  - Looks into images and says what they hold, such as packages, shells, package managers, setuid programs, files that
    are writable for everybody, keys and passwords. It is the evidence that an image is minimal.
  - Nothing of an image is run, and no tool is needed in it or on the host. The engine streams the file system of a
    container that is made for the purpose, never started, and removed at the end; the next run removes one that a
    killed run has left. An image with several names is looked into once.
  - Programs are known by their names, and links are followed inside the image. A shell under a name of its own is not
    found.
extends_documentation_fragment:
  - caisson.hardening.engine
  - caisson.hardening.attributes
options:
  images:
    description:
      - The images, by reference or id. They have to be on the host; nothing is pulled.
      - Without it and O(all), the images of the containers of O(project) are inspected, each as it runs and not as its
        tag stands by now.
    type: list
    elements: str
  all:
    description: Inspect every image of the host.
    type: bool
    default: false
  project:
    description: Whose containers' images are inspected where neither O(images) nor O(all) is given.
    type: str
    default: caisson
  profile:
    description:
      - The controls that are demanded.
      - V(baseline) demands C(image.user), C(image.secrets) and C(image.world_writable). V(strict) also demands
        C(image.setuid), C(image.file_capabilities), C(image.shell), C(image.package_manager) and
        C(image.healthcheck).
    type: str
    choices: [baseline, strict]
    default: baseline
  max_size:
    description:
      - How large an image may be, such as V(100m), as the engine reports its size. The control is C(image.size).
      - Without it the size is only reported.
    type: str
  max_packages:
    description:
      - How many packages an image may have, of all package managers together. The control is C(image.packages).
      - An image whose packages cannot be counted from outside, such as one with an RPM database, fails it.
      - Without it they are only counted.
    type: int
  allow_shell:
    description: Whether an image may have a shell (C(image.shell)). Without it, O(profile) says so.
    type: bool
  allow_package_manager:
    description: Whether an image may have a package manager (C(image.package_manager)). Without it, O(profile) says so.
    type: bool
  allow_setuid:
    description:
      - Whether an image may have setuid or setgid programs (C(image.setuid)) and programs with capabilities of their
        own (C(image.file_capabilities)). Without it, O(profile) says so.
    type: bool
  waivers:
    description: Leaves to break a control. An expired one counts as absent.
    type: list
    elements: dict
    default: []
    suboptions:
      control:
        description: The control's id.
        type: str
        required: true
      reason:
        description: Why, as a sentence that an auditor understands.
        type: str
        required: true
      expires:
        description: The last day of the waiver, as YYYY-MM-DD.
        type: str
        required: true
      image:
        description: The image, by the reference that the result gives. Without it the waiver is for every one.
        type: str
  on_finding:
    description: Whether a control that an image breaks is only reported, or fails the task.
    type: str
    choices: [report, fail]
    default: report
  parallel:
    description: How many images are looked into side by side.
    type: int
    default: 2
notes:
  - It never reports a change, and does the same in check mode.
  - The values of environment variables are never shown.
seealso:
  - module: caisson.hardening.minimal_image
  - module: caisson.hardening.containers
"""

EXAMPLES = r"""
- name: Say what the images of the project's containers hold
  caisson.hardening.image_inspect:
    project: shop
  register: inspected

- name: Let no image through that is not minimal
  caisson.hardening.image_inspect:
    images:
      - registry.example.org/shop/web:1.4.2
    max_size: 50m
    max_packages: 20
    allow_shell: false
    allow_package_manager: false
    allow_setuid: false
    on_finding: fail
    waivers:
      - control: image.shell
        image: registry.example.org/shop/web:1.4.2
        reason: The start script is a shell script; gone with version 2
        expires: "2027-06-30"

- name: Look into every image of the host
  caisson.hardening.image_inspect:
    all: true
    profile: strict
"""

RETURN = r"""
images:
  description: What each image is and holds.
  returned: always, unless the input was refused
  type: list
  elements: dict
  contains:
    reference:
      description: The name by which it was asked for, or its first tag, or its id.
      type: str
    references:
      description: All names by which it was asked for, and its tags.
      type: list
      elements: str
    id:
      description: Its id.
      type: str
    digests:
      description: The digests by which registries know it, each with its repository.
      type: list
      elements: str
    size:
      description: Its size in bytes.
      type: int
    layers:
      description: The number of its layers.
      type: int
    created:
      description: When it was made.
      type: str
    architecture:
      description: The architecture of its programs.
      type: str
    os:
      description: The operating system that it is for.
      type: str
    user:
      description: Its user, or an empty string.
      type: str
    root:
      description: Whether that is root.
      type: bool
    exposed_ports:
      description: The ports that it exposes.
      type: list
      elements: str
    volumes:
      description: The volumes that it declares.
      type: list
      elements: str
    healthcheck:
      description: The test of its healthcheck, or an empty list.
      type: list
      elements: str
    env:
      description: The names of its environment variables.
      type: list
      elements: str
    entrypoint:
      description: Its entrypoint.
      type: list
      elements: str
    command:
      description: Its command.
      type: list
      elements: str
    setuid:
      description: Its setuid files, each with C(path), C(mode), C(uid) and C(gid).
      type: list
      elements: dict
    setgid:
      description: Its setgid files, in the same form.
      type: list
      elements: dict
    file_capabilities:
      description: Its files with capabilities, each with C(path) and C(capabilities).
      type: list
      elements: dict
    world_writable:
      description:
        - The C(count) of files that are writable for everybody, and of directories that are so without the sticky bit,
          and a C(sample) of them.
      type: dict
    packages:
      description:
        - The number of packages by C(dpkg), C(apk), C(pacman) and C(rpm), of those that have a database in the image;
          null where it cannot be counted without the manager's own tools.
      type: dict
    packages_total:
      description: All packages together; null where one of the databases cannot be counted.
      type: int
    shells:
      description: Its shells, each with C(name), C(path) and C(target), the file to which links lead.
      type: list
      elements: dict
    package_managers:
      description: Its package managers, in the same form.
      type: list
      elements: dict
    secret_files:
      description: Files of the names that private keys and passwords have.
      type: list
      elements: str
    findings:
      description: The outcome of each control on this image.
      type: list
      elements: dict
  sample:
    - reference: sleeper:1
      references: ["sleeper:1"]
      id: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
      digests: []
      size: 2163208
      layers: 1
      created: "2026-11-25T02:33:21.512649436Z"
      architecture: amd64
      os: linux
      user: "65534:65534"
      root: false
      exposed_ports: []
      volumes: []
      healthcheck: []
      env: [PATH]
      entrypoint: []
      command: []
      setuid: []
      setgid: []
      file_capabilities: []
      world_writable: {count: 0, sample: []}
      packages: {}
      packages_total: 0
      shells: []
      package_managers: []
      secret_files: []
      findings: [{control: image.user, object: "sleeper:1", outcome: pass, evidence: ""}]
findings:
  description: The outcome of each control on each image.
  returned: always, unless the input was refused
  type: list
  elements: dict
  sample: [{control: image.user, object: "sleeper:1", outcome: pass, evidence: ""}]
score:
  description: How many controls hold, of those that apply.
  returned: always, unless the input was refused
  type: dict
  sample: {total: 3, before: 3, after: 3}
"""

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.caisson.hardening.plugins.module_utils.containers.engine import connect
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
from ansible_collections.caisson.hardening.plugins.module_utils.images.apply import (
    inspect_images,
    message,
    read,
    result,
)
from ansible_collections.caisson.hardening.plugins.module_utils.images.engine import ImageEngine
from ansible_collections.caisson.hardening.plugins.module_utils.images.options import image_options


def main() -> None:
    arguments = image_options()
    arguments["docker_host"]["fallback"] = (env_fallback, ["DOCKER_HOST"])
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    given = module.params
    try:
        wanted, limits, waivers = read(given)
        engine = connect(given, given["parallel"] + 1, ImageEngine)
        try:
            found = inspect_images(engine, wanted, limits, waivers, given["parallel"])
        finally:
            engine.close()
    except CaissonError as error:
        module.fail_json(msg=str(error))
    for warning in found.warnings:
        module.warn(warning)
    said = message(found, given["on_finding"])
    if said:
        module.fail_json(msg=said, **result(found))
    module.exit_json(**result(found))


if __name__ == "__main__":
    main()
