# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules for images: what of an image breaks each control, and the findings that follow. Pure."""

from __future__ import annotations

import datetime
import re
import typing as t
from dataclasses import dataclass

from ..containers import policy, records, values
from ..containers.rules import Evidence, NotJudged, is_root
from ..containers.units import Wrong, format_size
from ..controls import image, model
from .content import Content, Privileged, Program

SHOWN = 8  # names in a sentence
_SECRET_NAME = re.compile(
    r"(?:\A|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(?:API|PRIVATE|ACCESS|SECRET)_?KEY|PASS(?=\Z))"
    r"(?:\Z|_(?!FILE\Z))",
    re.IGNORECASE,
)
# What an option says is judged under every profile.
_BY_OPTION = {
    "allow_shell": ("image.shell",),
    "allow_package_manager": ("image.package_manager",),
    "allow_setuid": ("image.setuid", "image.file_capabilities"),
}


@dataclass(frozen=True)
class Limits:
    """What is asked of images. None in an allow_* leaves it to the profile; 0 or None in a max_* is no limit."""

    profile: str = model.BASELINE
    max_size: int = 0
    max_packages: int | None = None
    allow_shell: bool | None = None
    allow_package_manager: bool | None = None
    allow_setuid: bool | None = None

    def demands(self, control: model.Control) -> bool:
        for option, controls in _BY_OPTION.items():
            if control.id in controls and getattr(self, option) is not None:
                return True
        return control.demanded_by(self.profile)


@dataclass(frozen=True)
class Inspected:
    """One image: the names by which it was asked for, the engine's inspect of it and what it holds."""

    references: tuple[str, ...]
    inspect: t.Mapping[str, t.Any]
    content: Content

    @property
    def config(self) -> t.Mapping[str, t.Any]:
        return self.inspect.get("Config") or {}

    @property
    def user(self) -> str:
        return str(self.config.get("User") or "")

    @property
    def root(self) -> bool:
        """Whether its user is root, by number, by name, or by a name to which the image gives the number 0."""
        return is_root(self.user) or self.content.users.get(self.user.partition(":")[0]) == 0


@dataclass(frozen=True)
class ImageWaiver:
    """A waiver for one image, or without a reference for every one."""

    waiver: records.Waiver
    image: str = ""

    def covers(self, one: Inspected) -> bool:
        return not self.image or self.image in one.references


def read_waivers(value: t.Any) -> tuple[ImageWaiver, ...]:
    """Waivers as a container has them, with an optional key `image`. Wrong for what is none."""
    found: list[ImageWaiver] = []
    known = [control.id for control in image.CONTROLS]
    for item in value or ():
        rest = {key: given for key, given in item.items() if key != "image"}
        waiver = records.waivers([rest], "images", known)[0]
        one = ImageWaiver(waiver, values.image(item["image"]) if item.get("image") else "")
        if (one.waiver.control, one.image) in ((other.waiver.control, other.image) for other in found):
            raise Wrong(f"has {one.waiver.control} twice for the same image", "keep one")
        found.append(one)
    return tuple(found)


def findings(
    one: Inspected, limits: Limits, waivers: t.Iterable[ImageWaiver], today: datetime.date
) -> list[model.Finding]:
    """A finding for each control that the profile or an option demands, in the catalogue's order."""
    waived = {
        each.waiver.control: each.waiver for each in waivers if each.covers(one) and not each.waiver.expired(today)
    }
    return [
        policy.outcome(control, one.references[0], _RULES[control.id](one, limits), waived.get(control.id))
        for control in image.CONTROLS
        if limits.demands(control)
    ]


def waiver_warnings(
    waivers: t.Iterable[ImageWaiver], found: t.Sequence[tuple[Inspected, list[model.Finding]]], today: datetime.date
) -> list[str]:
    """What is to be said of waivers that have expired or that no inspected image needs."""
    said = []
    for each in waivers:
        shown = f"the waiver of {each.waiver.control}" + (f" for {each.image}" if each.image else "")
        needed = any(
            finding.control == each.waiver.control and finding.outcome in (model.FAIL, model.WAIVED)
            for one, results in found
            if each.covers(one)
            for finding in results
        )
        if each.waiver.expired(today):
            said.append(f"{shown} expired on {each.waiver.expires}")
        elif not needed:
            said.append(f"{shown} is not needed; remove it")
    return said


def failures(found: t.Iterable[model.Finding]) -> list[str]:
    """One sentence for each control that fails, with the waiver that would allow it."""
    controls = {control.id: control for control in image.CONTROLS}
    return [
        f"image {each.object!r} breaks {each.control}: {each.evidence}. {controls[each.control].reason} To allow it,"
        f" add to waivers: {{image: {each.object!r}, control: {each.control}, reason: why, expires: YYYY-MM-DD}}"
        for each in found
        if each.outcome == model.FAIL
    ]


def secret_names(env: t.Iterable[str]) -> list[str]:
    """The names of the variables that have a value and are called what secrets are called."""
    pairs = (item.partition("=") for item in env)
    return sorted(name for name, _equals, value in pairs if value and _SECRET_NAME.search(name))


def _listed(names: t.Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _user(one: Inspected, _limits: Limits) -> Evidence:
    if not one.root:
        return None
    return f"its user is {one.user}, which is root" if one.user else "it names no user, so it is root"


def _secrets(one: Inspected, _limits: Limits) -> Evidence:
    names = secret_names(one.config.get("Env") or ())
    said = [f"it sets {_listed(names)}"] if names else []
    if one.content.secret_files:
        said.append(f"it has {_listed(one.content.secret_files)}")
    return "; ".join(said) or None


def _world_writable(one: Inspected, _limits: Limits) -> Evidence:
    number = one.content.world_writable
    return f"{number} are: {_listed(one.content.world_writable_sample)}" if number else None


def _size(one: Inspected, limits: Limits) -> Evidence:
    size = int(one.inspect.get("Size") or 0)
    if not limits.max_size:
        return NotJudged("no max_size is given")
    return f"it has {size} bytes, more than {format_size(limits.max_size)}" if size > limits.max_size else None


def _packages(one: Inspected, limits: Limits) -> Evidence:
    if limits.max_packages is None:
        return NotJudged("no max_packages is given")
    uncounted = sorted(name for name, number in one.content.packages.items() if number is None)
    if uncounted:
        return f"the packages of {', '.join(uncounted)} cannot be counted from outside"
    total = sum(number or 0 for number in one.content.packages.values())
    return f"it has {total}, more than {limits.max_packages}" if total > limits.max_packages else None


def _programs(found: t.Callable[[Content], t.Sequence[Program]], option: str) -> t.Callable[..., Evidence]:
    def rule(one: Inspected, limits: Limits) -> Evidence:
        if getattr(limits, option):
            return NotJudged(f"{option} is true")
        return f"it has {_listed([each.path for each in found(one.content)])}" if found(one.content) else None

    return rule


def _setuid(one: Inspected, limits: Limits) -> Evidence:
    if limits.allow_setuid:
        return NotJudged("allow_setuid is true")
    both: dict[str, Privileged] = {each.path: each for each in (*one.content.setuid, *one.content.setgid)}
    return f"these are: {_listed(sorted(both))}" if both else None


def _file_capabilities(one: Inspected, limits: Limits) -> Evidence:
    if limits.allow_setuid:
        return NotJudged("allow_setuid is true")
    found = [f"{path} ({', '.join(names)})" for path, names in sorted(one.content.capabilities.items())]
    return f"these do: {_listed(found)}" if found else None


def _healthcheck(one: Inspected, _limits: Limits) -> Evidence:
    test = (one.config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    return "it has none" if test[0] == "NONE" else None


_RULES: dict[str, t.Callable[[Inspected, Limits], Evidence]] = {
    "image.user": _user,
    "image.secrets": _secrets,
    "image.world_writable": _world_writable,
    "image.size": _size,
    "image.packages": _packages,
    "image.setuid": _setuid,
    "image.file_capabilities": _file_capabilities,
    "image.shell": _programs(lambda content: content.shells, "allow_shell"),
    "image.package_manager": _programs(lambda content: content.package_managers, "allow_package_manager"),
    "image.healthcheck": _healthcheck,
}
