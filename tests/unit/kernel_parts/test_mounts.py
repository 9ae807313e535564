# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of the mounts and of /proc as one run of the mount options."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_parts.mounts import ARGUMENTS, joined
from ansible_collections.caisson.hardening.plugins.module_utils.mounts import spec
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.catalogue import MOUNTS
from ansible_collections.caisson.hardening.plugins.module_utils.mounts.spec import MountSpec, parse

PATHS = [path for path in MOUNTS if path != "/proc"]


def mounts(**given: t.Any) -> dict[str, t.Any]:
    return {**{name: argument.get("default") for name, argument in spec.ARGUMENTS.items()}, **given}


def hidepid(**given: t.Any) -> dict[str, t.Any]:
    return {**{name: argument.get("default") for name, argument in ARGUMENTS.items()}, **given}


def one(**parts: t.Any) -> MountSpec:
    found, faults = joined({"settings": {}, **parts})
    assert not faults and list(found) == ["settings", "mounts"]
    return parse(**{name: value for name, value in found["mounts"].items() if name != "as_of"})


@pytest.mark.parametrize("states", [*itertools.product(["present", "absent"], repeat=2)])
@pytest.mark.parametrize("profile", ["baseline", "strict"])
def test_each_part_has_its_own_profile_and_state(states: tuple[str, str], profile: str) -> None:
    found = one(mounts=mounts(state=states[0]), hidepid=hidepid(state=states[1], profile=profile))
    wanted = {path: MOUNTS[path].baseline if states[0] == "present" else () for path in PATHS}
    wanted["/proc"] = MOUNTS["/proc"].wanted(profile) if states[1] == "present" else ()
    assert found.wanted() == wanted


def test_one_part_alone_leaves_what_is_the_others() -> None:
    assert set(one(mounts=mounts(profile="strict")).wanted()) == set(PATHS)
    assert one(hidepid=hidepid(profile="strict")).wanted() == {"/proc": ("hidepid=2",)}
    assert one(hidepid=hidepid(profile="strict", state="absent")).wanted() == {"/proc": ()}
    assert one(hidepid=hidepid(profile="strict", options=[])).wanted() == {"/proc": ()}
    assert one(hidepid=hidepid(options=["hidepid=1"])).wanted() == {"/proc": ("hidepid=1",)}


def test_neither_is_nothing() -> None:
    assert joined({"boot": {}}) == ({"boot": {}}, [])


@pytest.mark.parametrize(
    "parts,said",
    [
        ({"mounts": mounts(options={"/proc": ["hidepid=2"]})}, "mounts.options./proc"),
        ({"mounts": mounts(controls=["kernel.mount_tmp"])}, "mounts.controls"),
        ({"mounts": mounts(), "hidepid": hidepid(unwritable="report")}, "hidepid.unwritable: 'report' differs"),
        ({"mounts": mounts(as_of="x"), "hidepid": hidepid()}, "hidepid.as_of: None differs"),
    ],
)
def test_what_does_not_go_together_is_refused(parts: dict[str, t.Any], said: str) -> None:
    found, [fault] = joined(parts)
    assert said in str(fault) and not found
