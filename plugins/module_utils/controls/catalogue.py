# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one catalogue: every control by its id. Pure data."""

from __future__ import annotations

from . import (
    boot,
    container,
    daemon,
    docker_audit,
    docker_files,
    image,
    kernel,
    kernel_modules,
    kernel_security,
    mounts,
    process_limits,
)
from .model import Control

CONTROLS: dict[str, Control] = {
    control.id: control
    for subject in (
        kernel,
        kernel_modules,
        kernel_security,
        boot,
        mounts,
        process_limits,
        daemon,
        docker_files,
        docker_audit,
        container,
        image,
    )
    for control in subject.CONTROLS
}
