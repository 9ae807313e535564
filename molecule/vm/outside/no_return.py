# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only a kernel of its own can be asked for: a value of no return, and a module that goes. Hosts end with it."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.caisson.hardening.tests.support import outside
from ansible_collections.caisson.hardening.tests.support.daemon_host import DaemonHost, SshHost

# The core of the module that the first argument names, with the options of the second.
RUN = """
import importlib, json, sys
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
core = "ansible_collections.caisson.hardening.plugins.module_utils." + sys.argv[1]
apply, spec = (importlib.import_module(f"{core}.{name}") for name in ("apply", "spec"))
try:
    result = apply.run(spec.parse(**json.loads(sys.argv[2]))).as_dict()
except CaissonError as error:
    result = {"failed": True, "msg": str(error)}
print(json.dumps(result))
"""
LOCKED, OTHER = "kernel.kexec_load_disabled", "net.ipv4.icmp_ratelimit"
MODULE = "romfs"


@pytest.fixture(scope="module", params=outside.hosts(), ids=lambda host: host.name)
def host(request: pytest.FixtureRequest) -> DaemonHost:
    return SshHost(t.cast(outside.Outside, request.param))


def core(host: DaemonHost, name: str, **options: t.Any) -> dict[str, t.Any]:
    status, text = host.program(RUN, name, json.dumps(options))
    assert status == 0, text
    return t.cast("dict[str, t.Any]", json.loads(text.splitlines()[-1]))


def test_a_module_that_is_loaded_goes_and_comes_back_with_the_undo(host: DaemonHost) -> None:
    loaded = f"modprobe {MODULE} 2>&1; grep -c '^{MODULE} ' /proc/modules || true"
    assert host.sh(loaded) == "1"
    wish = {"profile": "strict", "unload": True}
    done = core(host, "kernel_modules", **wish)
    assert (
        done["changed"]
        and MODULE in done["denied"]
        and f"set {MODULE} from 'loaded' to 'not loaded'" in done["actions"]
    )
    assert host.sh(loaded).splitlines()[-1] == "0", "it is loaded again"
    assert core(host, "kernel_modules", **wish)["changed"] is False
    assert core(host, "kernel_modules", state="absent")["changed"]
    assert host.sh(loaded) == "1"


def test_a_value_of_no_return_is_set_by_name_and_says_why_it_stays(host: DaemonHost) -> None:
    before = host.sh(f"sysctl -n {LOCKED} {OTHER}")
    assert before.splitlines()[0] == "0"
    left = core(host, "kernel", profile="strict")
    assert host.sh(f"sysctl -n {LOCKED}") == "0" and left["changed"], "a profile set it"
    done = core(host, "kernel", settings={OTHER: "300"}, one_way=[LOCKED])
    assert host.sh(f"sysctl -n {LOCKED} {OTHER}") == "1\n300"
    assert core(host, "kernel", settings={OTHER: "300"}, one_way=[LOCKED])["changed"] is False
    refused = core(host, "kernel", settings={LOCKED: "0", OTHER: "400"})
    assert f"{LOCKED}: it is locked at '1' until the next boot" in refused["msg"] and done["changed"]
    assert host.sh(f"sysctl -n {OTHER}") == "300", "something was changed although it was refused"
    assert core(host, "kernel", state="absent")["changed"]
    assert host.sh(f"sysctl -n {LOCKED} {OTHER}") == f"1\n{before.splitlines()[1]}"
    assert "kexec" not in host.sh("cat /etc/sysctl.d/* /etc/sysctl.conf 2>/dev/null || true")
