# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of ``image_inspect`` as Ansible's argument specification. Pure data."""

from __future__ import annotations

from ..containers.options import Options, container_options, run_options

_SHARED = ("docker_host", "ca_path", "client_cert", "client_key", "timeout", "project", "profile")


def image_options() -> Options:
    waivers = container_options()["waivers"]
    shared = {name: given for name, given in run_options().items() if name in _SHARED}
    return {
        **shared,
        "images": {"type": "list", "elements": "str"},
        "all": {"type": "bool", "default": False},
        "max_size": {"type": "str"},
        "max_packages": {"type": "int"},
        "allow_shell": {"type": "bool"},
        "allow_package_manager": {"type": "bool"},
        "allow_setuid": {"type": "bool"},
        "waivers": {**waivers, "default": [], "options": {**waivers["options"], "image": {"type": "str"}}},
        "on_finding": {"type": "str", "choices": ["report", "fail"], "default": "report"},
        "parallel": {"type": "int", "default": 2},
    }
