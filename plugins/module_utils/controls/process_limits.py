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
        "process_limits.container_room",
        "All containers at their PID limits leave the host room for itself and for a user",
        "Limits that add up to more than the host has are no limits: the containers together take it down.",
        ("CIS Docker 1.8 5.29", "NIST SP 800-190 4.4.3", "CWE-770"),
    ),
    Control(
        "process_limits.container_pids",
        "Every running container has a PID limit",
        _FORK,
        ("CIS Docker 1.8 5.29", "CWE-770"),
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
        "process_limits.pam",
        "Every service that opens sessions applies the limits of PAM",
        "A session that is opened past pam_limits has none of the limits, however well they are written.",
        ("CIS Distribution Independent Linux", "CWE-770"),
    ),
    Control(
        "process_limits.user_tasks",
        "The tasks of all sessions of a user together are limited by a cgroup",
        "A cgroup holds what a session starts under another user number too, and no session gets around it.",
        ("CWE-770",),
    ),
    Control(
        "process_limits.service_processes",
        "The processes of the user of a service are limited",
        "Several services of one user, or one that runs beside its unit, stay below what the host can carry.",
        ("CWE-770",),
    ),
    Control(
        "process_limits.docker_tasks",
        "The tasks of the engine's own services are limited",
        "An engine that leaks threads, or shims and proxies without end, leave the host able to end them.",
        ("NIST SP 800-190 4.5", "CWE-770"),
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
