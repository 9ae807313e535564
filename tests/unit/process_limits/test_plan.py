# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of the process limits: files, units, reloads, and what is told."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import HEADER, FileText
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.plan import Observed
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.judge import findings
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.plan import (
    COREDUMP_FILE,
    PAM_FILE,
    RELOAD,
    SYSTEM_FILE,
    LimitsObserved,
    LimitsPlan,
    make_limits_plan,
)
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.services import (
    ANY_USER,
    USERS,
    SystemdObserved,
    drop_in,
    pending,
)
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.sizes import Host, Sizes, size
from ansible_collections.caisson.hardening.plugins.module_utils.process_limits.spec import ConfigFile, parse

VALUES = {"kernel.threads-max": "127000", "kernel.pid_max": "4194304"}
HOST = Host(16 * 2**20, 300, 127000, 4194304)
SHOWN = {"DefaultTasksMax": "9830", "DefaultLimitNPROC": "32768", "DefaultLimitNPROCSoft": "32768"}
KEPT = {field.name: "keep" for field in dataclasses.fields(Sizes)}
DOCKER = {"LoadState": "loaded", "TasksMax": "infinity", "NeedDaemonReload": "no"}


def plan(observed: LimitsObserved, **options: t.Any) -> LimitsPlan:
    spec = parse(**options)
    return make_limits_plan(spec, size(spec, HOST), observed)


def with_systemd(**more: t.Any) -> LimitsObserved:
    return LimitsObserved(Observed(VALUES), systemd=SystemdObserved(**{"manager": {"DefaultTasksMax": "100"}, **more}))


def test_nothing_kept_and_core_dumps_allowed_leaves_nothing_to_write() -> None:
    assert not plan(with_systemd(), core_dumps=True, **KEPT).changes


def test_files_hold_the_limits_and_the_exempt() -> None:
    wanted = plan(with_systemd(), exempt=["deploy", "@batch"]).wanted
    assert wanted[PAM_FILE].text.endswith(
        "* soft nproc 8192\n* hard nproc 16384\n@batch - nproc unlimited\ndeploy - nproc unlimited\n"
        "* - core 0\nroot - core 0\n"
    )
    assert wanted[SYSTEM_FILE].text.endswith(
        "[Manager]\nDefaultLimitCORE=0\nDefaultLimitNPROC=32768\nDefaultTasksMax=9830\n"
    )
    assert wanted[COREDUMP_FILE].text.endswith("[Coredump]\nStorage=none\nProcessSizeMax=0\n")


def test_systemd_is_reloaded_when_its_file_or_its_value_differs() -> None:
    fresh = with_systemd()
    first = plan(fresh)
    assert first.changes.reload == RELOAD
    written = {path: first.wanted.get(path) for path in first.wanted}
    assert plan(dataclasses.replace(fresh, files=written)).changes.reload == RELOAD
    assert not plan(dataclasses.replace(fresh, files=written, systemd=SystemdObserved(SHOWN))).changes.reload


def test_without_systemd_its_files_are_left_out_unless_they_are_ours_already() -> None:
    observed = LimitsObserved(Observed(VALUES))
    first = plan(observed)
    assert set(first.wanted) == {PAM_FILE} and "No systemd" in first.warnings[-1]
    ours = dataclasses.replace(observed, originals={SYSTEM_FILE: None, COREDUMP_FILE: None}, recorded=True)
    assert {SYSTEM_FILE, COREDUMP_FILE} <= set(plan(ours).wanted)


def test_file_that_is_no_longer_wanted_goes_back_to_its_original() -> None:
    mine = FileText("# mine\n")
    observed = LimitsObserved(
        Observed(VALUES), files={PAM_FILE: FileText("x")}, originals={PAM_FILE: mine}, recorded=True
    )
    changes = plan(observed, user_processes="keep", core_dumps=True).changes
    assert next(change.after for change in changes.files if change.path == PAM_FILE) == mine
    assert PAM_FILE in changes.forget_files


def test_slice_of_each_user_is_limited_but_neither_that_of_root_nor_that_of_the_exempt() -> None:
    observed = dataclasses.replace(with_systemd(), exempt_ids={1001: "deploy"})
    wanted = plan(observed, exempt=["deploy"]).wanted
    assert wanted[drop_in(USERS)].text == f"{HEADER}[Slice]\nTasksMax=16384\n"
    assert wanted[drop_in("user-0.slice")].text == f"{HEADER}[Slice]\n"
    assert wanted[drop_in("user-1001.slice")].text == f"{HEADER}[Slice]\nTasksMax=infinity\n"


def test_only_services_of_the_engine_that_are_there_are_limited() -> None:
    there = {"docker.service": DOCKER, "containerd.service": {**DOCKER, "LoadState": "not-found"}}
    wanted = plan(with_systemd(units=there)).wanted
    assert wanted[drop_in("docker.service")].text == f"{HEADER}[Service]\nTasksMax=32768\nLimitNPROC=32768\n"
    assert drop_in("containerd.service") not in wanted


def test_exempt_service_has_no_limit_even_if_it_is_the_engine() -> None:
    wanted = plan(with_systemd(units={"docker.service": DOCKER}), exempt_services=["docker", "ci@1.service"]).wanted
    for unit in ("docker.service", "ci@1.service"):
        assert wanted[drop_in(unit)].text == f"{HEADER}[Service]\nTasksMax=infinity\nLimitNPROC=infinity\n"


def test_service_that_is_exempt_no_longer_gets_its_own_file_back() -> None:
    path, mine = drop_in("ci.service"), FileText("# mine\n")
    first = plan(with_systemd(), exempt_services=["ci"])
    observed = dataclasses.replace(with_systemd(), files=first.wanted, originals={path: mine}, recorded=True)
    changes = plan(observed).changes
    assert [change.after for change in changes.files if change.path == path] == [mine] and changes.reload == RELOAD


def test_drop_in_of_a_lost_record_is_removed() -> None:
    path = drop_in("ci.service")
    observed = dataclasses.replace(with_systemd(drop_ins=(path,)), files={path: FileText(HEADER)})
    assert [change.after for change in plan(observed).changes.files if change.path == path] == [None]


def test_systemd_is_reloaded_where_a_killed_run_left_it_behind() -> None:
    wanted = plan(with_systemd()).wanted
    unit = {ANY_USER: {"NeedDaemonReload": "yes"}}
    current = dataclasses.replace(with_systemd(manager=SHOWN), files=wanted)
    assert not plan(current).changes.reload
    assert plan(dataclasses.replace(with_systemd(manager=SHOWN, units=unit), files=wanted)).changes.reload == RELOAD
    gone = dataclasses.replace(with_systemd(manager=SHOWN), originals={SYSTEM_FILE: None}, recorded=True)
    assert plan(gone, state="absent").changes.reload == RELOAD


def test_later_drop_in_of_somebody_else_is_named_and_fails_the_control() -> None:
    later = {
        "docker.service": (ConfigFile("/etc/systemd/system/docker.service.d/zz.conf", "[Service]\nTasksMax=max\n"),)
    }
    observed = with_systemd(units={"docker.service": DOCKER}, later=later)
    assert any("zz.conf is read after our file and sets TasksMax=max" in text for text in plan(observed).warnings)
    outcome = next(each for each in findings(parse(), HOST, observed) if each.control.endswith("docker_tasks"))
    assert outcome.outcome == "fail" and "zz.conf" in outcome.evidence


def test_later_file_that_has_core_dumps_stored_is_named_and_fails_both_controls() -> None:
    pattern = "|/usr/lib/systemd/systemd-coredump %P"
    path = "/run/systemd/coredump.conf.d/90-x.conf"
    told = dataclasses.replace(
        with_systemd(), kernel=Observed({**VALUES, "kernel.core_pattern": pattern}), files=plan(with_systemd()).wanted
    )
    stored = dataclasses.replace(told, coredump=(ConfigFile(path, "[Coredump]\nStorage=external\n"),))
    for observed, outcome in ((told, "pass"), (stored, "fail")):
        found = {each.control: each for each in findings(parse(), HOST, observed)}
        assert found["process_limits.core_pattern"].outcome == found["process_limits.core_storage"].outcome == outcome
        assert (path in found["process_limits.core_storage"].evidence) is (outcome == "fail")
        assert any(f"{path} is read after our file" in text for text in plan(observed).warnings) is (outcome == "fail")
    assert not any(path in text for text in plan(stored, core_dumps=True).warnings)


def test_limit_that_waits_for_a_restart_is_told() -> None:
    sizes = Sizes(docker_tasks_max=5000)
    assert "effective after its next restart" in pending(sizes, SystemdObserved({}, running={"docker.service": -1}))[0]
    assert pending(sizes, SystemdObserved({}, running={"docker.service": 5000})) == []
    assert pending(Sizes(), SystemdObserved({}, running={"docker.service": -1})) == []


def test_exempt_name_that_nobody_has_is_told() -> None:
    observed = dataclasses.replace(with_systemd(), unknown=("ghost",))
    assert any("ghost" in text for text in plan(observed, exempt=["ghost"]).warnings)
