# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong while the daemon's module works, on hosts with kernels of their own; after all was undone."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.tests.support import container_network, daemon_faults, outside
from ansible_collections.caisson.hardening.tests.support.daemon_host import DaemonHost, SshHost


@pytest.fixture(scope="module", params=outside.hosts(), ids=lambda host: host.name)
def machine(request: pytest.FixtureRequest) -> DaemonHost:
    """The host with a file of its own for the daemon, and without the containers of the other checks."""
    made = SshHost(t.cast(outside.Outside, request.param))
    made.sh("docker rm --force check-client check-web")
    made.put(daemon_faults.CONFIG, daemon_faults.FORMER)
    made.sh(f"chown root:daemon {daemon_faults.CONFIG}; chmod 640 {daemon_faults.CONFIG}; systemctl restart docker")
    return made


@pytest.fixture
def host(machine: DaemonHost) -> t.Iterator[DaemonHost]:
    with daemon_faults.outlived(machine, container_network.IMAGE):
        yield machine


@pytest.mark.parametrize("fault", daemon_faults.FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_leaves_engine_settings_and_container(host: DaemonHost, fault: t.Callable[[DaemonHost], None]) -> None:
    fault(host)


def test_a_killed_run_leaves_engine_settings_and_container(host: DaemonHost) -> None:
    """Each kill takes long here, so one host dies before the even steps and the other before the odd ones."""
    daemon_faults.killed(host, stride=2, steps=int(daemon_faults.version(host) >= (23, 0)))


def test_a_run_that_is_killed_alone_is_taken_back_without_another_run(host: DaemonHost) -> None:
    daemon_faults.killed_alone(host, range(5, 30, 9))
