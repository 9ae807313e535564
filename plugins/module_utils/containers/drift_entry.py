# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``container_drift``: arguments in, core called, result out."""

from __future__ import annotations

import typing as t

from ..errors import CaissonError, Fault, InputError
from . import drift_plan, drift_render, globs
from .drift_apply import Run
from .drift_plan import Settings
from .engine import Engine, connect
from .entry import engine_arguments, engine_lock, out_of_range
from .units import Wrong

Params = t.Dict[str, t.Any]
WHERE = "container_drift"


def arguments() -> dict[str, t.Any]:
    """What AnsibleModule is made with."""
    responses = list(drift_plan.RESPONSES)
    return {
        "argument_spec": {
            "containers": {"type": "list", "elements": "str"},
            "project": {"type": "str"},
            "all": {"type": "bool", "default": False},
            "ignore": {"type": "list", "elements": "str", "default": []},
            "on_drift": {"type": "list", "elements": "str", "choices": responses, "default": ["report"]},
            "snapshot_repository": {"type": "str", "default": "caisson-snapshot"},
            "healthy_wait_timeout": {"type": "float", "default": 60.0},
            "settle_time": {"type": "float", "default": 1.0},
            "parallel": {"type": "int", "default": 4},
            **engine_arguments(),
        },
        "supports_check_mode": True,
    }


def run(module: t.Any) -> None:
    """Look, do what is asked, and exit. module: the AnsibleModule."""
    try:
        settings = read(module.params)
        this = _looked(module, settings)
    except CaissonError as error:
        module.fail_json(msg=str(error))
    except KeyboardInterrupt:
        module.fail_json(msg="Interrupted; run again, and what was under way is brought to its end")
    except Exception as error:
        msg = f"Unexpected {type(error).__name__}: {error}; this is a fault of the module, please report it"
        module.fail_json(msg=msg)
    for warning in this.warnings:
        module.warn(warning)
    result = drift_render.result(this.cases, executed=not module.check_mode)
    message = drift_render.failures(this.cases, settings)
    if message:
        module.fail_json(msg=message, **result)
    module.exit_json(**result)


def read(params: Params) -> Settings:
    """The settings; InputError with every fault."""
    faults = [Fault(WHERE, option, *what) for option, what in out_of_range(params)]
    ignore = []
    for given in params["ignore"]:
        try:
            ignore.append(globs.pattern(given))
        except Wrong as wrong:
            faults.append(Fault(WHERE, "ignore", given, wrong.problem, wrong.remedy))
    try:
        drift_plan.repository(params["snapshot_repository"])
    except Wrong as wrong:
        faults.append(Fault(WHERE, "snapshot_repository", params["snapshot_repository"], wrong.problem, wrong.remedy))
    chosen = [name for name in ("containers", "project", "all") if params[name]]
    if len(chosen) > 1:
        faults.append(Fault(WHERE, chosen[-1], params[chosen[-1]], f"excludes {chosen[0]}", "give one of them"))
    if params["containers"] == []:
        faults.append(Fault(WHERE, "containers", [], "names no container", "leave it out to look at all"))
    if not params["on_drift"]:
        faults.append(Fault(WHERE, "on_drift", [], "is empty", "write report, or leave it out"))
    if faults:
        raise InputError(faults)
    return Settings(
        containers=tuple(params["containers"] or ()),
        project=params["project"] or "",
        everything=params["all"],
        ignore=tuple(ignore),
        responses=frozenset(params["on_drift"]),
        repository=params["snapshot_repository"],
        parallel=params["parallel"],
        healthy_wait_timeout=params["healthy_wait_timeout"],
        settle_time=params["settle_time"],
    )


def _looked(module: t.Any, settings: Settings) -> Run:
    engine = connect(module.params, settings.parallel * 2, Engine)
    try:
        this = Run(engine, settings)
        if module.check_mode or not settings.acts:
            this.predict()
            return this
        with engine_lock(engine):
            this.predict()
            this.execute()
            return this
    finally:
        engine.close()
