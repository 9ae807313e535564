# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules ``container`` and ``containers`` share: arguments in, core called, result out."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule, env_fallback

from ..errors import CaissonError
from ..host.lock import host_lock
from . import options, render
from .apply import Outcome, Run, Settings
from .engine import Engine, EngineError
from .fresh import FreshEngine
from .spec import Spec, parse_specs

Params = t.Dict[str, t.Any]
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
        super().__init__(argument_spec=argument_spec, supports_check_mode=True)
        self._ready = True

    def fail_json(self, msg: str, **result: t.Any) -> t.NoReturn:
        """Ansible's own check stops at the first fault and names no container; ours is asked first."""
        if not self._ready and isinstance(getattr(self, "params", None), dict):
            try:
                parse_specs(self._given(self.params))
            except CaissonError as error:
                msg = str(error)
        result.setdefault("invocation", {"module_args": render.masked(getattr(self, "params", {}))})
        super().fail_json(msg, **result)
        raise AssertionError("fail_json ends the process")

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


def run(module: ContainerModule, shape: t.Callable[[Params], Params]) -> None:
    """Deploy the module's containers and exit; *shape* may reshape the result."""
    params: Params = module.params
    try:
        specs = parse_specs(module._given(params))
        outcome = _deploy(module, specs, params)
    except CaissonError as error:
        module.fail_json(str(error))
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
        with host_lock("containers", LOCK_TIMEOUT):
            this.predict()
            return this.execute()
    finally:
        engine.close()
