# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls on one image. Pure data; `images.rules` says how each is judged."""

from __future__ import annotations

from .model import BASELINE, STRICT, Control


def _control(name: str, title: str, reason: str, *references: str, profile: str = BASELINE) -> Control:
    return Control(f"image.{name}", title, reason, references, profile)


CONTROLS: tuple[Control, ...] = (
    _control(
        "user",
        "The image names a user that is not root",
        "A container whose definition names no user would be root.",
        "CIS Docker 1.8 4.1",
        "NIST SP 800-190 4.1.2",
    ),
    _control(
        "secrets",
        "The image carries no keys and no passwords",
        "Whoever may pull the image has them, and they stay in its layers for good.",
        "CIS Docker 1.8 4.10",
        "NIST SP 800-190 4.1.4",
    ),
    _control(
        "world_writable",
        "No file or directory is writable for everybody",
        "Any process can change it; in a directory without the sticky bit, one user replaces the files of another.",
        "NIST SP 800-190 4.1.2",
    ),
    _control(
        "size",
        "The image is no larger than allowed",
        "What is not in an image need not be patched and cannot be abused.",
        "CIS Docker 1.8 4.3",
        "NIST SP 800-190 4.1.2",
    ),
    _control(
        "packages",
        "The image has no more packages than allowed",
        "Each package brings its vulnerabilities, used or not.",
        "CIS Docker 1.8 4.3",
        "NIST SP 800-190 4.1.1",
    ),
    _control(
        "setuid",
        "No program is setuid or setgid",
        "It runs with its owner's rights, whoever starts it.",
        "CIS Docker 1.8 4.8",
        "NIST SP 800-190 4.1.2",
        profile=STRICT,
    ),
    _control(
        "file_capabilities",
        "No program brings capabilities of its own",
        "Whoever starts it gets a piece of root's power, as with setuid.",
        "CIS Docker 1.8 4.8",
        "NIST SP 800-190 4.1.2",
        profile=STRICT,
    ),
    _control(
        "shell",
        "There is no shell",
        "With one, whoever gets a foothold has every tool that the image holds.",
        "CIS Docker 1.8 4.3",
        "NIST SP 800-190 4.1.2",
        profile=STRICT,
    ),
    _control(
        "package_manager",
        "There is no package manager",
        "It is the way in which an intruder fetches what the image lacks, and images are rebuilt and not updated.",
        "CIS Docker 1.8 4.3",
        "NIST SP 800-190 4.1.2",
        profile=STRICT,
    ),
    _control(
        "healthcheck",
        "The image has a healthcheck",
        "Without one, and none in the container's definition, a hung service counts as running.",
        "CIS Docker 1.8 4.6",
        profile=STRICT,
    ),
)
