# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one run of all parts says: their results as one, what failed, and what is wrong with the options."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_parts.apply import ARGUMENTS
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_parts.result import combined, failure
from ansible_collections.caisson.hardening.plugins.modules.kernel import validated

SETTINGS = {
    "changed": True,
    "actions": ["set kernel.sysrq from '1' to '0'"],
    "diff": {"before": "kernel.sysrq = 1 (live)\n", "after": "kernel.sysrq = 0 (live)\n"},
    "score": {"total": 3, "before": 1, "after": 3},
    "values": {"kernel.sysrq": "0"},
}
BOOT = {
    "changed": True,
    "actions": ["write /etc/default/grub.d/99-caisson.cfg"],
    "diff": {"before": "", "after": "# a file\n"},
    "score": {"total": 2, "before": 0, "after": 0},
}
SECURITY = {"changed": False, "score": {"total": 5, "before": 3, "after": 3}, "security": {"lockdown": "none"}}
NOTHING: dict[str, t.Any] = dict.fromkeys(ARGUMENTS)


def test_parts_are_told_as_one_and_each_for_itself() -> None:
    result = combined({"settings": SETTINGS, "security": SECURITY, "boot": BOOT}, {})
    assert result["changed"] and result["actions"] == [*SETTINGS["actions"], *BOOT["actions"]]
    assert result["diff"]["before"] == "kernel.sysrq = 1 (live)\n"
    assert result["diff"]["after"] == "kernel.sysrq = 0 (live)\n# a file\n"
    assert result["score"] == {"total": 10, "before": 4, "after": 6}
    assert result["parts"]["settings"] == {key: value for key, value in SETTINGS.items() if key != "diff"}
    assert list(result["parts"]) == ["settings", "security", "boot"]


def test_no_part_is_no_change() -> None:
    result = combined({}, {})
    assert not result["changed"] and result["parts"] == {} and result["score"]["total"] == 0


def test_what_failed_is_told_with_what_the_others_did() -> None:
    results = {"settings": SETTINGS, "security": SECURITY}
    failed = {"modules": "Failed to ask modprobe", "boot": "Failed to generate"}
    message = failure(results, failed, check=False)
    assert message.splitlines() == [
        "Part modules failed: Failed to ask modprobe",
        "Part boot failed: Failed to generate",
        "The other parts went on; changed: settings; nothing to change: security",
    ]
    assert "would change: settings" in failure(results, failed, check=True)
    assert failure({}, {"boot": "Failed"}, check=False) == "Part boot failed: Failed"
    result = combined(results, failed)
    assert result["changed"] and result["parts"]["boot"] == {"failed": True, "msg": "Failed to generate"}


def test_a_part_that_is_given_gets_its_modules_defaults() -> None:
    options, faults = validated({**NOTHING, "mounts": {}, "modules": {"unload": "yes", "deny": "floppy,isofs"}})
    assert faults == [] and set(options) == {"mounts", "modules"}
    assert options["mounts"] == {name: entry.get("default") for name, entry in ARGUMENTS["mounts"].items()}
    assert options["modules"]["unload"] is True and options["modules"]["deny"] == ["floppy", "isofs"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"settings": {"profil": "strict"}}, ["kernel: settings: ", "profil"]),
        ({"boot": {"state": "presnt"}}, ["kernel: boot: ", "presnt", "report, present, absent"]),
        ({"modules": {"unload": "perhaps"}}, ["kernel: modules: ", "unload", "perhaps"]),
    ],
)
def test_wrong_options_are_told_with_their_part(given: dict[str, t.Any], words: list[str]) -> None:
    options, faults = validated({**NOTHING, **given, "security": {}})
    assert set(options) == {"security"} and len(faults) == 1
    assert all(word in faults[0] for word in words), faults


def test_the_wrong_options_of_all_parts_are_told_together() -> None:
    _options, faults = validated({**NOTHING, "settings": {"a": 1, "state": "x"}, "security": {"profile": "y"}})
    assert len(faults) == 3 and [fault.split(": ")[1] for fault in faults].count("settings") == 2
