# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies the networks and volumes of a run: creates them before the containers, removes networks after them."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..errors import CaissonError, Fault
from . import network_plan, networks, volumes
from .cases import Case
from .declared import Item, Judged
from .engine import Engine, Json
from .host_volumes import HostVolume, host_volume
from .needs import attached_to, container_faults, needed, staying
from .rules_mounts import volume_names
from .spec import Spec
from .state import Daemon, State
from .steps import own_name


class Resources:
    """The networks and volumes of one run over one engine."""

    def __init__(
        self,
        engine: Engine,
        project: str,
        specs: t.Sequence[Spec],
        declared: t.Sequence[networks.NetworkSpec],
        volumes_: t.Sequence[volumes.VolumeSpec],
    ) -> None:
        self._engine = engine
        self._project = project
        self._specs = specs
        self._networks = networks.with_implied(declared, specs, project)
        self._volumes = {each.name: each for each in volumes_}
        self._existing: dict[str, Json] = {}
        self._stored: dict[str, Json] | None = None  # the engine's volumes; most runs have none to ask for
        self.items: list[Item] = []
        self.warnings: list[str] = []

    @property
    def names(self) -> set[str]:
        """The networks that are there, or will be when the containers are deployed."""
        absent = {each.name for each in self._networks if each.state == "absent"}
        # Podman has these two as well, and lists neither.
        return {*self._existing, "host", "none", *(each.name for each in self._networks)} - absent

    def observe(self) -> None:
        """Read what the engine has."""
        self._existing = self._engine.networks()
        if self._volumes or any(
            kind == "volume" for spec in self._specs for kind, _name in needed(spec, self._project)
        ):
            self._stored = self._engine.volumes()

    def host_volumes(self, state: State) -> dict[str, HostVolume]:
        """What of the host the volumes of a container hand in, declared or not."""
        names = volume_names(state)
        if names and self._stored is None:
            self._stored = self._engine.volumes()
        found = {}
        for name in names:
            declared, there = self._volumes.get(name), (self._stored or {}).get(name, {})
            if declared is not None:
                found[name] = host_volume(declared.driver, declared.driver_options)
            else:
                found[name] = host_volume(str(there.get("Driver")), there.get("Options") or {})
        return {name: volume for name, volume in found.items() if volume is not None}

    def plan(self, listed: t.Sequence[Json], daemon: Daemon) -> list[Fault]:
        """Compare and plan. listed: every container of the engine in the short form. Every fault comes back."""
        self.warnings = []
        faults: list[Fault] = []
        if daemon.podman:
            from . import podman  # noqa: PLC0415  needed only here

            self._networks, self.warnings = podman.networks(self._networks)
            faults += podman.volume_faults(self._volumes.values())
        self._networks += self._deserted(listed)
        judged: list[Judged] = [
            volumes.judge(each, (self._stored or {}).get(each.name)) for each in self._volumes.values()
        ]
        for each in self._networks:
            found = self._existing.get(each.name)
            attached = attached_to(listed, found) if found is not None else []
            rest = staying(attached, self._specs, each.name, self._project)
            judged.append(network_plan.judge(each, self._existing, attached, rest, self._project))
        self.items = [each.item for each in judged]
        self.warnings += [line for each in judged for line in each.warnings]
        self.warnings += networks_warnings(self._networks, daemon)
        faults += [fault for each in judged for fault in each.faults]
        known = {each.name: each for each in self._networks if each.state == "present"}
        for spec in self._specs:
            faults += container_faults(spec, self._project, known, self._existing)
        return faults

    def _deserted(self, listed: t.Sequence[Json]) -> list[networks.NetworkSpec]:
        """The project's own networks that the last container leaves by this run: nothing declares them, so they go."""
        known = {each.name for each in self._networks}
        removed = {spec.name for spec in self._specs if spec.state == "absent"}
        found = []
        for each in networks.implied(self._project):
            there = self._existing.get(each.name)
            if not removed or each.name in known or there is None or not network_plan.is_ours(there, self._project):
                continue
            if removed.issuperset(own_name(name) for name in attached_to(listed, there)):
                found.append(replace(each, state="absent"))
        return found

    def create(self, cases: t.Sequence[Case]) -> None:
        """Create what is missing; a failure is that of the containers which need it, and of no other."""
        failed = {(item.kind, item.name) for item in self.items if not self._carried_out(item, ("create", "recreate"))}
        for case in cases if failed else ():
            for kind, name in needed(case.spec, self._project):
                if (kind, name) in failed:
                    case.fail(CaissonError(f"container {case.spec.name!r}: its {kind} {name!r} could not be created"))

    def remove(self) -> list[str]:
        """Remove the networks that are to be absent, after their containers; what nobody asked for and could not go."""
        implied = {each.name for each in self._networks if each.implied}
        left = []
        for item in self.items:
            if not self._carried_out(item, ("remove",)) and item.name in implied:
                # Engine 20.10 keeps the endpoint of a container that died while it started.
                left.append(f"{item.error}; it stays, without a container on it")
                item.error, item.actions, item.done = "", (), []
        return left

    def _carried_out(self, item: Item, kinds: t.Collection[str]) -> bool:
        """Carry out the item's actions of these kinds; whether none failed."""
        for action in (action for action in item.actions if action.kind in kinds):
            item.done.append(action)
            try:
                if item.kind == "volume":
                    self._engine.create_volume(item.name, volumes.body(self._volumes[item.name], self._project))
                    continue
                if action.kind in ("recreate", "remove"):
                    self._engine.remove_network(item.name)
                if action.kind in ("create", "recreate"):
                    spec = next(each for each in self._networks if each.name == item.name)
                    self._engine.create_network(item.name, network_plan.body(spec, self._project))
            except CaissonError as error:
                item.error = f"{item.label}: {error}"
                return False
        return True


def networks_warnings(specs: t.Sequence[networks.NetworkSpec], daemon: Daemon) -> list[str]:
    """What this engine cannot hold of the networks."""
    said = []
    for each in (each for each in specs if each.state == "present"):
        if each.icc is False and not daemon.bridge_filter and daemon.major < 28:
            said.append(
                f"network {each.name!r}: icc: false does not hold on this host, whose bridges pass by the filter;"
                " load br_netfilter and set net.bridge.bridge-nf-call-iptables=1"
            )
        if each.enable_ipv6 and (each.internal or each.icc is False) and daemon.major < 27:
            said.append(
                f"network {each.name!r}: engines before 27 filter IPv6 only with ip6tables set; without it"
                " internal and icc hold for IPv4 alone"
            )
    return said
