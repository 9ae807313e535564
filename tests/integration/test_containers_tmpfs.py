# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scratch in memory can be written to by the container's user: at the first start, and after each further one."""

from __future__ import annotations

from ansible_collections.caisson.hardening.tests.support.containers import Deployer


def test_the_user_can_write_to_each_tmpfs_also_after_a_restart(deployer: Deployer) -> None:
    """`/home` is there in the image and root's, `/run` and `/deep/er` are not there at all."""
    scratch = ["/home:mode=0700", "/deep/er:size=1m", "/var:size=1m,mode=1777"]
    specs = [deployer.spec(f"u{user.replace(':', '-')}", user=user, tmpfs=scratch) for user in ("10001", "70:70")]
    deployer.deploy(*specs)
    for _start in range(2):
        for short in ("u10001", "u70-70"):
            for path in ("/tmp", "/run", "/home", "/deep/er", "/var"):
                assert deployer.shell(short, f"echo kept > {path}/x && cat {path}/x") == (0, "kept\n"), path
        for short in ("u10001", "u70-70"):
            deployer.api.restart(deployer.name(short), timeout=0)
    assert deployer.deploy(*specs)["actions"] == []


def test_an_owner_that_was_written_stays(deployer: Deployer) -> None:
    deployer.deploy(deployer.spec("web", tmpfs=["/var:uid=77,gid=78,mode=0755"]))
    assert deployer.shell("web", "stat -c %u:%g /var") == (0, "77:78\n")
    status, said = deployer.shell("web", "echo > /var/x")
    assert status != 0
    assert "Permission denied" in said
