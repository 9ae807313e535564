# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inspects images: finds which are meant, looks into each once, and judges it. Changes nothing that was there."""

from __future__ import annotations

import datetime
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ..containers import values
from ..containers.state import PROJECT_LABEL
from ..containers.units import Wrong, parse_size
from ..controls import model
from ..errors import CaissonError, Fault, InputError
from ..host.lock import host_lock
from . import content, report, rules, tar_stream
from .engine import ImageEngine
from .rules import ImageWaiver, Inspected, Limits

LOCK_TIMEOUT = 300.0  # seconds; another run may be looking into large images
Json = t.Dict[str, t.Any]


@dataclass(frozen=True)
class Wanted:
    """Which images: those named, or every one, or those of a project's containers."""

    images: tuple[str, ...] = ()
    every: bool = False
    project: str = "caisson"


@dataclass
class Inspection:
    """The outcome; failed holds what could not be looked into, with the reason."""

    images: list[Json] = field(default_factory=list)
    findings: list[model.Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def inspect_images(
    engine: ImageEngine,
    wanted: Wanted,
    limits: Limits,
    waivers: t.Sequence[ImageWaiver],
    parallel: int = 2,
    today: datetime.date | None = None,
) -> Inspection:
    """Look into every image that is wanted, each once however many names it has.

    InputError with every named image that is not on the host. One that cannot be read does not stop the others.
    """
    day = today or datetime.date.today()
    found = Inspection()
    pairs = _find(engine, wanted)
    if not pairs:
        found.warnings.append("there is no image to inspect")
        return found
    # Under the lock, a container with the inspector's label is one that a killed run has left.
    with host_lock(f"images-{engine.daemon().plain_id}", LOCK_TIMEOUT):
        engine.remove_leftovers()
        with ThreadPoolExecutor(parallel) as pool:
            results = list(pool.map(lambda pair: _look(engine, *pair), pairs))
    inspected = [each for each in results if isinstance(each, Inspected)]
    found.failed = {pair[1][0]: str(each) for pair, each in zip(pairs, results) if isinstance(each, CaissonError)}
    judged = [(one, rules.findings(one, limits, waivers, day)) for one in inspected]
    for one, results_of_one in judged:
        shown = report.entry(one)
        found.images.append({**shown, "findings": [each.as_dict() for each in results_of_one]})
        found.findings += results_of_one
    found.warnings += rules.waiver_warnings(waivers, judged, day)
    return found


def _find(engine: ImageEngine, wanted: Wanted) -> list[tuple[Json, tuple[str, ...]]]:
    """The inspect of each image that is meant, once, with its names; those that were asked for come first."""
    if wanted.images:
        asked = [(reference, reference) for reference in wanted.images]
    elif wanted.every:
        asked = [(image, "") for image in engine.images()]
    else:
        # By id: the tag may stand for another image by now.
        asked = sorted(set(engine.container_images(PROJECT_LABEL, wanted.project)), key=lambda pair: pair[1])
    names: dict[str, list[str]] = {}
    inspects: dict[str, Json] = {}
    faults = []
    for key, name in asked:
        inspect = engine.image_json(key)
        if inspect is None and wanted.images:
            faults.append(Fault("the run", "images", key, "is not on the host", "pull it or load it there first"))
        if inspect is None:
            continue  # removed since it was listed, or by force from under its container
        image = str(inspect["Id"])
        inspects[image] = inspect
        names.setdefault(image, [])
        names[image] += [each for each in (name, *(inspect.get("RepoTags") or ())) if each and each != "<none>:<none>"]
    if faults:
        raise InputError(faults)
    return [(inspects[image], tuple(dict.fromkeys(given)) or (image,)) for image, given in names.items()]


def _look(engine: ImageEngine, inspect: Json, references: tuple[str, ...]) -> Inspected | CaissonError:
    volumes = sorted((inspect.get("Config") or {}).get("Volumes") or ())
    try:
        with engine.file_system(str(inspect["Id"]), volumes) as chunks:
            seen = content.survey(tar_stream.entries(chunks))
    except CaissonError as error:
        return CaissonError(f"image {references[0]!r}: {error}")
    return Inspected(references, inspect, seen)


def result(found: Inspection) -> Json:
    """The module's result, without ``warnings``."""
    return {
        "changed": False,
        "images": found.images,
        "findings": [finding.as_dict() for finding in found.findings],
        "score": model.score(found.findings, found.findings),
    }


def message(found: Inspection, on_finding: str) -> str:
    """Why the run has failed, or the empty string."""
    said = list(found.failed.values())
    if on_finding == "fail":
        said += rules.failures(found.findings)
    return "\n".join(said)


def read(params: t.Mapping[str, t.Any]) -> tuple[Wanted, Limits, tuple[ImageWaiver, ...]]:
    """What the module's parameters mean; InputError with every fault."""
    found: Json = {}
    faults = []
    for option, reader in _READERS.items():
        value = params.get(option)
        try:
            found[option] = reader(value) if value is not None else None
        except Wrong as wrong:
            faults.append(Fault("the run", option, value, wrong.problem, wrong.remedy))
    if params.get("images") is not None and params.get("all"):
        faults.append(Fault("the run", "all", True, "contradicts images", "keep one of them"))
    if faults:
        raise InputError(faults)
    limits = Limits(
        profile=params["profile"],
        max_size=found["max_size"] or 0,
        max_packages=found["max_packages"],
        allow_shell=params["allow_shell"],
        allow_package_manager=params["allow_package_manager"],
        allow_setuid=params["allow_setuid"],
    )
    return Wanted(found["images"] or (), params["all"], found["project"]), limits, found["waivers"] or ()


def _images(value: t.Any) -> tuple[str, ...]:
    if not value:
        raise Wrong("is empty", "name an image, or leave it out")
    return tuple(dict.fromkeys(values.image(each) for each in value))


def _size(value: t.Any) -> int:
    found = parse_size(value)
    if not found:
        raise Wrong("is no size that an image can keep to", "write one such as 100m, or leave it out")
    return found


_READERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "images": _images,
    "project": values.network_name,
    "max_size": _size,
    "max_packages": values.integer(0, 10**9, "a number of packages"),
    "waivers": rules.read_waivers,
    "parallel": values.integer(1, 64, "a number of images"),
    "timeout": values.integer(1, 3600, "a number of seconds"),
}
