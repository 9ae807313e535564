# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands in daemon.json and is as good as what a profile would write. Pure."""

from __future__ import annotations

from ..controls import daemon as controls
from . import addresses
from .merge import Config

# Drivers that neither rotate nor send away: `json-file` does rotate when it is given a size.
_ENDLESS_DRIVERS = ("json-file", "none")


def driver_is_good(base: Config, config: Config, given: Config) -> bool:
    """Whether the profile has nothing to add to the log driver that will stand."""
    if "log-driver" in config:
        return bool(config["log-driver"] != controls.LOG_DRIVER)
    driver = base.get("log-driver", "json-file")
    options = base.get("log-opts")
    sized = isinstance(options, dict) and "max-size" in options
    by_flag = bool(given.keys() & {"log-driver", "log-opts"})
    return by_flag or driver not in _ENDLESS_DRIVERS or (driver == "json-file" and sized)


def stands_well(name: str, base: Config) -> bool:
    """Whether the file already meets the control of that key by a value of its own."""
    standing = base.get(name)
    if name == "seccomp-profile":
        return standing not in (None, "", "builtin", "default", "unconfined")
    return name == "ip" and isinstance(standing, str) and not addresses.wildcard(standing)


def has_limit(limit: str, base: Config, config: Config) -> bool:
    """Whether the file or the user already sets that limit."""
    return any(
        isinstance(found, dict) and limit in found
        for found in (base.get("default-ulimits"), config.get("default-ulimits"))
    )
