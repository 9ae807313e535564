# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules ``container`` and ``containers`` share: arguments in, core called, result out."""

from __future__ import annotations

import copy
import re
import typing as t

from ansible.module_utils.basic import AnsibleModule, env_fallback

from ..errors import CaissonError, Fault, InputError
from ..host.lock import host_lock
from . import options, render, values
from .apply import Run
from .cases import Outcome, Settings
from .engine import Engine, EngineError
from .fresh import FreshEngine
from .spec import Spec, parse_specs
from .units import Wrong

Params = t.Dict[str, t.Any]
RANGES = {"timeout": (1, 3600), "parallel": (1, 64), "healthy_wait_timeout": (0, 86400), "settle_time": (0, 3600)}
LOCK_TIMEOUT = 300.0  # seconds; another run may be pulling images


def run_arguments() -> options.Options:
    arguments = options.run_options()
    arguments["docker_host"]["fallback"] = (env_fallback, ["DOCKER_HOST"])
    return arguments


class ContainerModule(AnsibleModule):  # type: ignore[misc]
    """An AnsibleModule that names every fault of the containers at once and never shows an environment's values."""

    params: Params

    def __init__(self, argument_spec: options.Options, given: t.Callable[[Params], t.Any]) -> None:
        """given: takes the list of containers out of the parameters."""
        self._given = given
        self._ready = False
        try:
            super().__init__(argument_spec=argument_spec, supports_check_mode=True)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Ansible's own check trips over a number where a dictionary belongs, and over infinity.
            self.fail_json(f"The arguments cannot be read: {error}")
        self._ready = True

    def fail_json(self, msg: str, **result: t.Any) -> t.NoReturn:
        """Ansible's own check stops at the first fault and names no container; ours is asked first."""
        if not self._ready and isinstance(getattr(self, "params", None), dict):
            try:
                read(with_dropped(self.params, self._written), self._given)
            except CaissonError as error:
                msg = str(error)
        result.setdefault("invocation", {"module_args": render.masked(getattr(self, "params", {}))})
        super().fail_json(msg, **result)
        raise AssertionError("fail_json ends the process")

    def _load_params(self) -> None:
        super()._load_params()
        self._written = copy.deepcopy(self.params)

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        result.setdefault("invocation", {"module_args": render.masked(self.params)})
        super().exit_json(**result)
        raise AssertionError("exit_json ends the process")

    def _log_invocation(self) -> None:
        """Ansible logs the parameters to the host's journal; the values of an environment stay out of it."""
        real, self.params = self.params, render.masked(self.params)
        try:
            super()._log_invocation()
        finally:
            self.params = real


def with_dropped(params: t.Any, written: t.Any) -> t.Any:
    """The parameters, but each list that Ansible has made shorter as it was written: it leaves out what is wrong."""
    if isinstance(params, dict) and isinstance(written, dict):
        return {key: with_dropped(value, written.get(key)) for key, value in params.items()}
    if not isinstance(params, list) or written is None:
        return params
    if isinstance(written, list) and len(written) == len(params):
        return [with_dropped(*pair) for pair in zip(params, written)]
    return params if params and not isinstance(written, list) else written


def read(params: Params, given: t.Callable[[Params], t.Any]) -> list[Spec]:
    """The specs; InputError with every fault of every container and of the run's own options."""
    faults = [Fault("the run", option, *what) for option, what in _run_faults(params)]
    try:
        specs = parse_specs(given(params))
    except InputError as error:
        raise InputError([*error.faults, *faults]) from error
    if faults:
        raise InputError(faults)
    return specs


def _run_faults(params: Params) -> t.Iterator[tuple[str, tuple[t.Any, str, str]]]:
    try:
        project = values.network_name(params.get("project") or "caisson")
        if project in ("host", "none", "bridge", "default"):
            raise Wrong("is a network of the engine itself", "choose a name of your own")
    except Wrong as wrong:
        yield "project", (params["project"], wrong.problem, wrong.remedy)
    for option, (least, most) in RANGES.items():
        value = params.get(option)
        if isinstance(value, (int, float)) and not least <= value <= most:
            yield option, (value, "is out of range", f"write a number from {least} to {most}")


def run(module: ContainerModule, shape: t.Callable[[Params], Params]) -> None:
    """Deploy the module's containers and exit; *shape* may reshape the result."""
    params: Params = module.params
    try:
        outcome = _deploy(module, read(params, module._given), params)
    except CaissonError as error:
        module.fail_json(str(error))
    except KeyboardInterrupt:
        module.fail_json("Interrupted; run again, and what was under way is brought to its end")
    except Exception as error:
        module.fail_json(f"Unexpected {type(error).__name__}: {error}; this is a fault of the module, please report it")
    for warning in outcome.warnings:
        module.warn(warning)
    result = shape(render.result(outcome))
    message = render.failures(outcome)
    if message:
        module.fail_json(message, **result)
    module.exit_json(**result)


def _deploy(module: ContainerModule, specs: t.Sequence[Spec], params: Params) -> Outcome:
    settings = Settings(
        project=params["project"],
        profile=params["profile"],
        enforce=params["policy"] == "enforce",
        healthy_wait_timeout=params["healthy_wait_timeout"],
        settle_time=params["settle_time"],
        parallel=params["parallel"],
        assumed_images=frozenset(params["assume_images"] if module.check_mode else ()),
    )
    tls = {key: params[key] for key in ("ca_path", "client_cert", "client_key")}
    try:
        engine = Engine(params["docker_host"], params["timeout"], max(4, settings.parallel * 2), **tls)
    except EngineError as error:
        if not (module.check_mode and params["assume_engine"]):
            raise
        module.warn(f"{error}. Predicted for a fresh engine")
        engine = FreshEngine()
    try:
        this = Run(engine, specs, settings)
        if module.check_mode:
            return this.predict()
        # Two engines of one host have nothing to do with each other; two addresses of one engine have.
        with host_lock(f"containers-{re.sub(r'[^A-Za-z0-9-]', '', engine.daemon().id)[:40]}", LOCK_TIMEOUT):
            this.predict()
            return this.execute()
    finally:
        engine.close()
