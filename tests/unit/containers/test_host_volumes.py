# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of the host a volume hands in is judged as a mount of the host itself is."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import (
    apply,
    cases,
    fresh,
    host_volumes,
    project_resources,
    rules,
    rules_mounts,
    spec,
    state,
    volumes,
)
from ansible_collections.caisson.hardening.plugins.module_utils.controls import model

IMAGE = state.Image("sha256:1", {"User": "10001"})
BIND = {"type": "none", "o": "bind"}


class Stored(fresh.FreshEngine):
    """An engine with the volume `data`; it counts how often it is asked."""

    def __init__(self, options: dict[str, str] | None, driver: str = "local") -> None:
        super().__init__()
        self.asked = 0
        self.root = ""
        self._data = {"Name": "data", "Driver": driver, "Options": options}

    def daemon(self) -> state.Daemon:
        return state.Daemon(root=self.root)

    def volumes(self) -> dict[str, t.Any]:
        self.asked += 1
        return {"data": self._data}


def mounting(mount: str) -> state.State:
    one = spec.parse_specs([{"name": "web", "image": "web:1", "volumes": [mount]}])[0]
    return state.resolve(one, IMAGE, state.Daemon(), "shop")


def against(engine: Stored, mount: str, real: t.Mapping[str, str] | None = None, **declared: t.Any) -> dict[str, str]:
    """The evidence of the rules on mounts, for an observed container as for one that is asked for."""
    specs = volumes.parse_volumes([{"name": "data", **declared}])[0] if declared else ()
    resources = project_resources.Resources(engine, "shop", (), (), specs)
    resources.observe()
    wanted = mounting(mount)
    found = resources.host_volumes(wanted)
    judged = rules.judge(wanted, rules.Context("web:1", real_paths=real or {}, volumes=found))
    named = {name: judged[f"container.{name}"] for name in ("docker_socket", "host_paths")}
    return {name: evidence for name, evidence in named.items() if evidence}


@pytest.mark.parametrize(
    ("options", "mount", "controls"),
    [
        (None, "data:/v", set()),
        ({"size": "1g"}, "data:/v", set()),
        ({**BIND, "device": "/srv/data"}, "data:/v", set()),
        ({**BIND, "device": "/etc"}, "data:/v:ro", {"host_paths"}),
        ({"type": "tmpfs", "device": "etc", "o": "rbind,ro"}, "data:/v", {"host_paths"}),
        ({**BIND, "device": "/srv/../run"}, "data:/v", {"docker_socket", "host_paths"}),
        ({**BIND, "device": "/usr/share"}, "data:/v", {"host_paths"}),
        ({**BIND, "device": "/usr/share"}, "data:/v:ro", set()),
        ({**BIND, "device": "/usr/share", "o": "bind,ro"}, "data:/v", set()),
        ({**BIND, "device": "/usr/share", "o": "bind,ro,rw"}, "data:/v", {"host_paths"}),
        ({**BIND, "device": "/usr/share", "o": "bind, ro"}, "data:/v", {"host_paths"}),
        ({"type": "ext4", "device": "/dev/vda1"}, "data:/v:ro", {"host_paths"}),
        ({"type": "overlay", "device": "overlay", "o": "lowerdir=/etc:/srv"}, "data:/v", {"host_paths"}),
        ({"type": "proc", "device": "proc"}, "data:/v", {"host_paths"}),
        ({"type": "tmpfs", "device": "tmpfs"}, "data:/v", set()),
        ({"type": "nfs", "device": ":/etc", "o": "addr=192.0.2.1"}, "data:/v", set()),
    ],
)
def test_a_volume_that_nobody_declared_is_judged_by_what_it_mounts(
    options: dict[str, str] | None, mount: str, controls: set[str]
) -> None:
    assert set(against(Stored(options), mount)) == controls


def test_a_declared_disk_of_the_host_needs_a_waiver_of_the_container() -> None:
    disk = {"driver_options": {"type": "ext4", "device": "/dev/vda1"}}
    assert against(Stored(None), "data:/v", **disk) == {
        "host_paths": "mounts has the volume data, which is the file system on /dev/vda1, on /v"
    }


def test_a_symbolic_link_under_a_volume_is_judged_by_where_it_leads() -> None:
    for device in ("/srv/link", "/srv/link/../data"):
        bind = {**BIND, "device": device}
        for given in ({}, {"driver_options": bind}):
            engine = Stored(bind)
            assert against(engine, "data:/v", {device: "/etc"}, **given) == {
                "host_paths": "mounts has the volume data, which is /etc, on /v"
            }
    backing = {"data": host_volumes.HostVolume("/srv/link", False)}
    assert rules_mounts.bind_sources(mounting("data:/v"), backing) == ["/srv/link"]


def test_what_another_driver_mounts_is_not_known() -> None:
    assert against(Stored({**BIND, "device": "/etc"}, driver="plugin"), "data:/v") == {}


def test_the_engine_is_asked_for_its_volumes_only_where_one_is_mounted() -> None:
    for mount, asked in (("data:/v", 1), ("/srv/data:/v", 0), ("/anonymous", 0)):
        engine = Stored(None)
        against(engine, mount)
        assert engine.asked == asked


def test_a_run_refuses_what_such_a_volume_leads_to_before_it_touches_anything(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/etc")
    engine = Stored({**BIND, "device": str(link)})
    engine.url = f"unix://{tmp_path}/engine"
    asked = {"name": "web", "image": "web:1", "volumes": ["data:/v"]}
    with pytest.raises(cases.PolicyError, match="mounts has the volume data, which is /etc,"):
        apply.Run(engine, spec.parse_specs([asked]), cases.Settings()).predict()
    waiver = {"control": "container.host_paths", "reason": "asked for", "expires": "2999-01-01"}
    apply.Run(engine, spec.parse_specs([{**asked, "waivers": [waiver]}]), cases.Settings()).predict()


def test_a_run_takes_the_engines_data_from_where_the_engine_says_they_lie(tmp_path: Path) -> None:
    real, root = tmp_path / "real", tmp_path / "root"
    real.mkdir()
    root.symlink_to(real)
    engine = Stored({**BIND, "device": str(real)})
    engine.url, engine.root = f"unix://{tmp_path}/engine", str(root)
    for mount in ("data:/v", f"{root}/volumes:/v:ro"):
        specs = spec.parse_specs([{"name": "web", "image": "web:1", "volumes": [mount]}])
        with pytest.raises(cases.PolicyError, match="host_paths"):
            apply.Run(engine, specs, cases.Settings()).predict()
        engine.root = ""
        apply.Run(engine, specs, cases.Settings()).predict()
        engine.root = str(root)


class Standing(Stored):
    """An engine on which a container has been given the volume by other hands."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        recorded = (Path(__file__).parent / "fixtures/plain.json").read_text(encoding="utf-8")
        self._inspect = json.loads(recorded)["inspect"]
        self._inspect["Mounts"] = [{"Type": "volume", "Name": "data", "Destination": "/v", "RW": True}]

    def containers(self) -> list[t.Any]:
        return [{"Id": self._inspect["Id"], "Names": ["/web"], "State": "running", "Labels": {}}]

    def inspect(self, container: str) -> t.Any:
        return self._inspect


def test_a_container_that_stands_is_judged_by_its_volumes_though_the_run_mounts_none() -> None:
    for options, outcome in (({**BIND, "device": "/etc"}, model.FAIL), ({**BIND, "device": "/srv"}, model.PASS)):
        specs = spec.parse_specs([{"name": "web", "image": "web:1"}])
        (case,) = apply.Run(Standing(options), specs, cases.Settings()).predict().cases
        assert {each.outcome for each in case.before if each.control == "container.host_paths"} == {outcome}
