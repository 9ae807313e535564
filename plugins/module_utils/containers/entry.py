# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules ``container`` and ``containers`` share: arguments in, core called, result out."""

from __future__ import annotations

import copy
import typing as t

from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule, env_fallback

from ..errors import CaissonError, Fault, InputError
from ..host.lock import host_lock
from . import options, references, render, values
from .apply import Run
from .cases import Outcome, Settings
from .engine import Engine, connect
from .engine_errors import EngineError
from .fresh import FreshEngine
from .hidden import is_free
from .networks import parse_networks
from .progress import Progress
from .progress_file import listener
from .spec import Spec, parse_specs
from .units import Wrong, parse_size
from .volumes import parse_volumes

Params = t.Dict[str, t.Any]
RANGES = {"timeout": (1, 3600), "parallel": (1, 64), "healthy_wait_timeout": (0, 86400), "settle_time": (0, 3600)}
LOCK_TIMEOUT = 300.0  # seconds; another run may be pulling images


def run_arguments() -> options.Options:
    return {**options.run_options(), **engine_arguments()}


def engine_arguments() -> options.Options:
    arguments = options.engine_options()
    arguments["docker_host"]["fallback"] = (env_fallback, ["DOCKER_HOST"])
    return arguments


def engine_lock(engine: Engine, progress: Progress | None = None) -> t.ContextManager[None]:
    """One run at a time changes the containers of an engine.

    Two engines of one host have nothing to do with each other; two addresses of one engine have.
    """
    name = f"containers-{engine.daemon().plain_id}"
    said = progress or Progress()
    return host_lock(name, LOCK_TIMEOUT, lambda: said.keep_saying("this host", "waiting for another run to end"))


class ContainerModule(AnsibleModule):  # type: ignore[misc]
    """An AnsibleModule that names every fault of the containers at once and never shows an environment's values."""

    params: Params

    def __init__(
        self, argument_spec: options.Options, given: t.Callable[[Params], t.Any], plural: bool = False
    ) -> None:
        """given: takes the list of containers out of the parameters. plural: networks and volumes are the run's."""
        self._given = given
        self.plural = plural
        self._ready = False
        try:
            super().__init__(argument_spec=argument_spec, supports_check_mode=True)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Ansible's own check trips over a number where a dictionary belongs, and over infinity.
            self.fail_json(f"The arguments cannot be read: {error}")
        self._ready = True

    def _load_params(self) -> None:
        super()._load_params()
        self._written = copy.deepcopy(self.params)  # the check changes what it finds wrong

    def fail_json(self, msg: str, **result: t.Any) -> t.NoReturn:
        """Ansible's own check stops at the first fault and names no container; ours is asked first."""
        if not self._ready and isinstance(getattr(self, "_written", None), dict):
            try:
                read(with_dropped(self.params, self._written), self._given, self.plural)
            except CaissonError as error:
                msg = str(error)
        result.setdefault("invocation", {"module_args": render.masked(getattr(self, "params", {}))})
        super().fail_json(msg, **result)
        raise AssertionError("fail_json ends the process")

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        result.setdefault("invocation", {"module_args": render.masked(self.params)})
        super().exit_json(**result)
        raise AssertionError("exit_json ends the process")

    def _return_formatted(self, kwargs: Params) -> None:
        """Ansible copies the result value by value to take out what is hidden, which for 50 containers is a third of a
        run's own work. It does so only where there is something to take out."""
        remove = basic.remove_values

        def removed(value: t.Any, hidden: t.Collection[str]) -> t.Any:
            return dict(value) if is_free(value, hidden) else remove(value, hidden)

        basic.remove_values = removed
        try:
            super()._return_formatted(kwargs)
        finally:
            basic.remove_values = remove

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


def read(params: Params, given: t.Callable[[Params], t.Any], plural: bool = False) -> list[Spec]:
    """The specs; InputError with every fault of every container and of the run's own options."""
    faults = [Fault("the run", option, *what) for option, what in _run_faults(params)]
    if plural:
        faults += parse_networks(params.get("networks"))[1] + parse_volumes(params.get("volumes"))[1]
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
    for option, reader in (("allowed_images", references.read_allowed), ("max_image_size", parse_size)):
        try:
            if params.get(option):
                reader(params[option])
        except Wrong as wrong:
            yield option, (params[option], wrong.problem, wrong.remedy)
    yield from out_of_range(params)


def out_of_range(params: Params) -> t.Iterator[tuple[str, tuple[t.Any, str, str]]]:
    """The options with a number that no run takes, each with its value, what is wrong and what to write."""
    for option, (least, most) in RANGES.items():
        value = params.get(option)
        if isinstance(value, (int, float)) and not least <= value <= most:
            yield option, (value, "is out of range", f"write a number from {least} to {most}")


def run(module: ContainerModule, shape: t.Callable[[Params], Params]) -> None:
    """Deploy the module's containers and exit; *shape* may reshape the result."""
    params: Params = module.params
    try:
        outcome = _deploy(module, read(params, module._given, module.plural), params)
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
        prune=bool(params.get("prune")),
        inspect_processes=params["inspect_processes"],
        allowed_images=references.read_allowed(params["allowed_images"]),
        max_image_size=parse_size(params["max_image_size"] or 0),
        assumed_images=frozenset(params["assume_images"] if module.check_mode else ()),
        networks=parse_networks(params["networks"])[0] if module.plural else (),
        volumes=parse_volumes(params["volumes"])[0] if module.plural else (),
    )
    try:
        engine = connect(params, settings.parallel * 2, Engine)
    except EngineError as error:
        if not (module.check_mode and params["assume_engine"]):
            raise
        module.warn(f"{error}. Predicted for a fresh engine")
        engine = FreshEngine()
    progress = listener()
    try:
        this = Run(engine, specs, settings, progress)
        if module.check_mode:
            return this.predict()
        with engine_lock(engine, progress):
            this.predict()
            return this.execute()
    finally:
        progress.close()
        engine.close()
