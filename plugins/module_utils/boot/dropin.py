# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""GRUB's drop-in that carries the parameters. Pure.

In an ordinary entry GRUB_CMDLINE_LINUX_DEFAULT comes after GRUB_CMDLINE_LINUX, and the last value wins. A recovery
entry has only the latter. So the parameters go to the latter, and one that the former names too goes to its end as
well: all entries have it, and none has everything twice, for the line is short (2047 bytes on x86).
"""

from __future__ import annotations

import re
import typing as t

from .catalogue import written
from .cmdline import words

PATH = "/etc/default/grub.d/99-caisson.cfg"
HEADER = "# Managed by caisson.hardening.\n"
_LINE = re.compile(r'^GRUB_CMDLINE_LINUX="\$\{GRUB_CMDLINE_LINUX:-\} (.*)"$', re.MULTILINE)


def render(parameters: t.Mapping[str, str]) -> str:
    """The drop-in. It is read last, and it decides by what GRUB's other files have said by then."""
    line = " ".join(written(name, value) for name, value in parameters.items())
    text = f'{HEADER}GRUB_CMDLINE_LINUX="${{GRUB_CMDLINE_LINUX:-}} {line}"\n'
    return text + "".join(_again(name, value) for name, value in parameters.items())


def parameters(text: str) -> dict[str, str]:
    """What a drop-in of ours sets; nothing where it is none."""
    found = _LINE.search(text)
    pairs = [word.partition("=") for word in words(found[1])] if found and text.startswith(HEADER) else []
    return {name: value for name, _equals, value in pairs}


def _again(name: str, value: str) -> str:
    pattern = re.sub("[-_]", "[-_]", name)
    return (
        'case " ${GRUB_CMDLINE_LINUX_DEFAULT:-} " in\n'
        f'  *[\\"[:blank:]]{pattern}[=[:blank:]]*)'
        f' GRUB_CMDLINE_LINUX_DEFAULT="${{GRUB_CMDLINE_LINUX_DEFAULT}} {written(name, value)}" ;;\n'
        "esac\n"
    )
