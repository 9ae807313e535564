# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apply: the parts of the kernel's hardening in one process, each by the core of its own module.

All are planned, under their locks, before the first is carried out, so what any of them refuses is refused for all.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..boot import apply as boot
from ..boot import spec as boot_spec
from ..errors import CaissonError, InputError, numbered
from ..host.container import decided
from ..host.history import History, Kept, whole_runs
from ..host.procsys import require_root
from ..host.result import HostResult, Work
from ..kernel import apply as settings
from ..kernel import spec as settings_spec
from ..kernel_modules import apply as modules
from ..kernel_modules import spec as modules_spec
from ..kernel_security import apply as security
from ..mounts import apply as mounts
from ..mounts import spec as mounts_spec
from . import mounts as mount_parts

Options = t.Mapping[str, t.Any]
# What carries a part out: its result, and its warnings.
PartWork = t.Callable[[], t.Tuple[t.Dict[str, t.Any], t.List[str]]]

# The options of each part are those of its module. The parts in the order in which they are carried out; hidepid goes
# with the mounts, and its result is theirs.
ARGUMENTS: dict[str, dict[str, dict[str, t.Any]]] = {
    "settings": settings_spec.ARGUMENTS,
    "mounts": mounts_spec.ARGUMENTS,
    "hidepid": mount_parts.ARGUMENTS,
    "modules": modules_spec.ARGUMENTS,
    "security": security.ARGUMENTS,
    "boot": boot_spec.ARGUMENTS,
}


class Outcome(t.NamedTuple):
    """The results of the parts that were carried out, the messages of those that failed, and all warnings."""

    results: dict[str, dict[str, t.Any]]
    failed: dict[str, str]
    warnings: list[str]


def run(options: t.Mapping[str, Options], check: bool = False, faults: t.Sequence[str] = ()) -> Outcome:
    """Carry the parts out; CaissonError, with nothing of any part changed, where one is refused.

    options: by part, complete and of the right types. faults: what is wrong with the options of further parts.
    A part that fails has changed nothing, and does not keep the others from being carried out.
    """
    require_root("kernel")
    options, apart = mount_parts.joined(options)
    refused = [*faults, *map(str, apart)]
    works: dict[str, PartWork] = {}
    with contextlib.ExitStack() as held:
        for part in ARGUMENTS:
            if part not in options:
                continue
            try:
                works[part] = held.enter_context(_recalled(part, options[part], check))
            except InputError as error:
                refused += map(str, error.faults)
            except CaissonError as error:
                refused.append(str(error))
        if refused:
            raise CaissonError(numbered("refused", refused))
        return _carried_out(works)


def _carried_out(works: t.Mapping[str, PartWork]) -> Outcome:
    outcome = Outcome({}, {}, [])
    for part, work in works.items():
        try:
            result, warnings = work()
        except CaissonError as error:
            outcome.failed[part] = str(error)
        else:
            outcome.results[part] = result
            outcome.warnings.extend(warnings)
    return outcome


@contextlib.contextmanager
def _recalled(part: str, given: Options, check: bool) -> t.Iterator[PartWork]:
    """The part with the options to follow, which go into its history once they are carried out."""
    if part not in _SUBJECTS:
        with _PREPARED[part](given, check) as work:
            yield work
        return
    history = History(_SUBJECTS[part](given))
    asked = history.asked(given, ARGUMENTS[part])
    with _PREPARED[part](asked.options, check) as work:

        def noted() -> tuple[dict[str, t.Any], list[str]]:
            result, warnings = work()
            return result, [*warnings, *([] if check else history.note(asked, _KEPT.get(part, whole_runs)))]

        yield noted


@contextlib.contextmanager
def _told(prepared: t.ContextManager[Work]) -> t.Iterator[PartWork]:
    with prepared as carry_out:
        yield lambda: _parted(carry_out())


def _parted(result: HostResult) -> tuple[dict[str, t.Any], list[str]]:
    return result.as_dict(), result.warnings


# Whose history a part with these options goes on with; one that only reports has none.
_SUBJECTS: dict[str, t.Callable[[Options], str]] = {
    "settings": lambda given: settings.subject_of(given["path"]),
    "mounts": lambda given: mounts.SUBJECT,
    "modules": lambda given: modules.SUBJECT,
    "boot": lambda given: boot.SUBJECT,
}
_KEPT: dict[str, Kept] = {"mounts": mounts_spec.kept}
_PREPARED: dict[str, t.Callable[[Options, bool], t.ContextManager[PartWork]]] = {
    "settings": lambda given, check: _told(settings.prepared(settings_spec.parse(**decided(given)), check)),
    "mounts": lambda given, check: _told(mounts.prepared(mounts_spec.parse(**decided(given)), check)),
    "modules": lambda given, check: _told(modules.prepared(modules_spec.parse(**given), check)),
    "security": lambda given, check: contextlib.nullcontext(lambda: (security.look(**given), [])),
    "boot": lambda given, check: _told(boot.prepared(boot_spec.parse(**given), check)),
}
