# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a module that changes the host begins and ends: with the options to follow, and with what came of them."""

from __future__ import annotations

import typing as t

from ..errors import CaissonError
from .history import History, Kept, whole_runs
from .result import HostResult

Arguments = t.Mapping[str, t.Mapping[str, t.Any]]
# A result as it is returned, with its warnings, may stand for one.
Outcome = t.Union[HostResult, t.Dict[str, t.Any]]


def answer(
    module: t.Any,
    subject: str,
    arguments: Arguments,
    carry_out: t.Callable[[dict[str, t.Any]], Outcome],
    kept: Kept = whole_runs,
) -> None:
    """End the Ansible module with the result of carrying its options out, or with what went wrong.

    subject: whose history goes on. arguments: the module's argument spec. carry_out: brings the host to the options, or
    in check mode predicts it; CaissonError, with nothing changed, where that fails. kept: makes of the options those
    that lead back to here later, where they are not the same.
    """
    try:
        history = History(subject)
        asked = history.asked(module.params, arguments)
        outcome = carry_out(dict(asked.options))
    except CaissonError as error:
        module.fail_json(msg=str(error))
    not_kept = [] if module.check_mode else history.note(asked, kept)
    result = outcome if isinstance(outcome, dict) else {**outcome.as_dict(), "warnings": outcome.warnings}
    for warning in [*result.pop("warnings"), *not_kept]:
        module.warn(warning)
    module.exit_json(**result)
