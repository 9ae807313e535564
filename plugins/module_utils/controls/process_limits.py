# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controls of the limits on processes and threads in the operating system. Pure data."""

from __future__ import annotations

from .model import Control

_FORK = "A program that multiplies without end, by fault or by intent, takes the host down unless something stops it."

CONTROLS: tuple[Control, ...] = (
    Control(
        "process_limits.threads_max",
        "The threads of the host are limited to what its memory carries",
        _FORK,
        ("NIST SP 800-190 4.4.3", "CWE-770"),
    ),
    Control(
        "process_limits.pid_max",
        "There are process numbers for all threads that are allowed",
        "Fewer numbers than threads are a hidden limit, and numbers that are soon used again invite mistaken identity.",
        ("CWE-770",),
    ),
    Control(
        "process_limits.user_processes",
        "The processes of an ordinary user are limited",
        "One user's fork bomb leaves the others and the administrator a host that answers.",
        ("CIS Distribution Independent Linux", "CWE-770"),
    ),
    Control(
        "process_limits.tasks_max",
        "The tasks of a service are limited",
        "One service, or what breaks into it, cannot take all tasks of the host.",
        ("NIST SP 800-190 4.4.3", "CWE-770"),
    ),
    Control(
        "process_limits.core_dumps",
        "No login session leaves core dumps",
        "An image of a program's memory on disk holds its keys and passwords.",
        ("CIS Debian 13 1.5", "devsec linux-baseline", "CWE-528"),
    ),
    Control(
        "process_limits.core_storage",
        "The service manager stores no core dumps",
        "An image of a service's memory on disk holds its keys and passwords.",
        ("CIS Debian 13 1.5", "CWE-528"),
    ),
    Control(
        "process_limits.core_pattern",
        "A crash leaves no core dump, whatever limit the program has",
        "Docker's unit lifts the limit for containers; one that crashes would leave its memory, keys and all, on disk.",
        ("CIS Debian 13 1.5", "Kicksecure security-misc", "CWE-528"),
    ),
)
