# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel_modules module against the real modprobe, on a tree of modules that the real depmod has indexed.

Which modules the kernel has loaded is a directory of the tests, so that it does not depend on the machine.
"""

from __future__ import annotations

import os
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.caisson.hardening.tests.support.kernel import AS_NOBODY, DYING, Place, place
from ansible_collections.caisson.hardening.tests.support.module_tree import Ko, make_tree

FILE = "/etc/modprobe.d/00-caisson-hardening.conf"
TREE = (
    Ko("cramfs", ["fs-cramfs"]),
    Ko("hfs", ["fs-hfs"]),
    Ko("udf", ["fs-udf", "fs-iso-udf"]),
    Ko("ramfs", ["fs-ramfs"]),
    Ko("dccp", ["net-pf-2-proto-33-type-6"]),
    Ko("dccp_ipv4", ["net-pf-2-proto-0-type-6"], ["dccp"]),
    Ko("n_hdlc", ["tty-ldisc-13"]),
    Ko("tipc", ["net-pf-30"], ["udp_tunnel"]),
    Ko("udp_tunnel"),
    Ko("p8022", [], ["llc"]),
    Ko("psnap", [], ["llc"]),
    Ko("bridge", [], ["stp", "llc"]),
    Ko("stp", [], ["llc"]),
    Ko("llc"),
    Ko("usb_storage", ["usb:v*"]),
    Ko("floppy"),
    Ko("acme_cluster", [], ["rds"]),
    Ko("rds", ["net-pf-21"]),
    Ko("ksmbd", [], ["udp_tunnel"], likes=["llc"]),
)

KILLED = (
    DYING
    + """
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_modules import apply, spec
apply.run(spec.parse(profile="baseline"))
"""
)


class ModulesHost(Place):
    """A place with a tree of modules of its own."""

    sys: Path
    scratch: Path

    def load(self, name: str, users: int = 0, holders: t.Iterable[str] = ()) -> None:
        """Show the module as loaded."""
        folder = self.sys / name
        (folder / "holders").mkdir(parents=True)
        for holder in holders:
            (folder / "holders" / holder).touch()
        (folder / "initstate").write_text("live\n", encoding="utf-8")
        (folder / "refcnt").write_text(f"{users}\n", encoding="utf-8")

    def modprobe(self, name: str) -> list[str]:
        """What modprobe would do for the name."""
        return [line.strip() for line in self.sh(f"modprobe -n -v {name}").splitlines()]


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[ModulesHost]:
    if not shutil.which("depmod", path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
        pytest.fail("there is no depmod; apt-get install --no-install-recommends kmod", pytrace=False)
    make_tree(tmp_path / "tree", os.uname().release, TREE, built_in=["hfsplus", "ext4"])
    with place(tmp_path) as made:
        found = t.cast(ModulesHost, made)
        found.__class__ = ModulesHost
        found.sys, found.scratch = tmp_path / "sys", tmp_path / "private"
        (found.sys / "hfsplus").mkdir(parents=True)
        upper = found.scratch
        found.sh(
            f"mkdir {upper}/programs {upper}/programs-work\n"
            f"layers=lowerdir=/usr/lib,upperdir={upper}/programs,workdir={upper}/programs-work\n"
            "mount -t overlay -o $layers overlay /usr/lib\n"
            f"mkdir -p /usr/lib/modules; mount --bind {tmp_path}/tree/lib/modules /usr/lib/modules\n"
            f"mount --bind {found.sys} /sys/module\n"
            "rm -rf /etc/modprobe.d /etc/modules-load.d; mkdir /etc/modprobe.d; : > /etc/fstab\n"
            "rm -f /etc/systemd/system/*.mount /usr/lib/modprobe.d/*; mkdir -p /etc/systemd/system"
        )
        yield found


def outcomes(result: dict[str, t.Any]) -> dict[str, str]:
    return {each["control"].replace("kernel.module_", ""): each["outcome"] for each in result["findings"]}


def evidence(result: dict[str, t.Any], name: str) -> str:
    return next(each["evidence"] for each in result["findings"] if each["control"] == f"kernel.module_{name}")


def test_a_denied_module_is_loaded_neither_by_name_nor_by_alias_nor_as_what_another_needs(host: ModulesHost) -> None:
    assert host.modprobe("cramfs")[0].startswith("insmod") and host.modprobe("fs-cramfs")[0].startswith("insmod")
    result = host.run("kernel_modules", profile="baseline")
    assert {"cramfs", "dccp", "dccp_ipv4", "n_hdlc", "tipc"} <= set(result.get("denied", ())), result
    for name in ("cramfs", "dccp", "n_hdlc", "n-hdlc"):
        assert host.modprobe(name) == ["install /bin/false"]
    # The kernel asks by alias. It gets nothing, and nothing is logged.
    assert host.modprobe("fs-cramfs") == host.modprobe("net-pf-30") == []
    # For real, not only as a plan: modprobe runs what stands in the file.
    assert host.sh("modprobe cramfs 2>&1 || echo refused $?").split()[-2:] == ["refused", "1"]
    assert host.modprobe("acme_cluster")[0] == host.modprobe("tipc")[-1] == "install /bin/false"
    assert host.modprobe("udf")[0].startswith("insmod"), "strict only"
    assert outcomes(result)["cramfs"] == outcomes(result)["dccp"] == outcomes(result)["tipc"] == "pass"
    assert outcomes(result)["jffs2"] == "not_applicable" and "no such module" in evidence(result, "jffs2")
    assert result["score"]["before"] < result["score"]["after"] == result["score"]["total"]


def test_a_module_with_soft_dependencies_for_which_an_install_line_is_not_enough_is_denied(host: ModulesHost) -> None:
    host.sh("echo 'install ksmbd /bin/false' > /etc/modprobe.d/50-others.conf")
    assert host.modprobe("ksmbd")[-1].endswith("/ksmbd.ko"), "modprobe has learned to heed it"
    result = host.run("kernel_modules", profile="strict")
    assert "ksmbd" in result["denied"] and host.modprobe("ksmbd")[-1] == "install /bin/false"


def test_what_docker_needs_is_refused_whoever_asks(host: ModulesHost) -> None:
    tree = host.tree()
    names = ["overlay", "bridge", "br-netfilter", "veth", "nf_tables", "xt_conntrack", "ip_vs", "vxlan", "llc"]
    result = host.run("kernel_modules", profile="strict", deny=names)
    assert "9 faults" in result["msg"] and "overlay2" in result["msg"] and host.tree() == tree


def test_unknown_name_is_refused_with_the_nearest(host: ModulesHost) -> None:
    tree = host.tree()
    assert "did you mean 'cramfs'?" in host.run("kernel_modules", deny=["cramsf"])["msg"]
    assert "did you mean 'bluetooth'?" in host.run("kernel_modules", profile="strict", omit=["bluetoth"])["msg"]
    assert "2 faults" in host.run("kernel_modules", deny=["a b", "x\ninstall y /bin/sh"])["msg"]
    assert host.tree() == tree


def test_a_module_of_ones_own_choice_is_denied(host: ModulesHost) -> None:
    result = host.run("kernel_modules", deny=["usb-storage", "floppy"])
    assert host.modprobe("usb-storage") == host.modprobe("floppy") == ["install /bin/false"]
    assert host.modprobe("cramfs")[0].startswith("insmod")
    assert outcomes(result) == {"usb_storage": "pass"}


def test_omitted_modules_are_left_alone(host: ModulesHost) -> None:
    result = host.run("kernel_modules", profile="baseline", omit=["dccp", "tipc"])
    assert host.modprobe("tipc")[0].startswith("insmod") and host.modprobe("cramfs") == ["install /bin/false"]
    assert outcomes(result)["tipc"] == "not_applicable" and evidence(result, "tipc") == "left alone by choice"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("mkdir -p /run/m && mount -t ramfs ramfs /run/m", "mounted on /run/m"),
        ("echo '/dev/sdb1 /srv ramfs,auto noauto 0 0' > /etc/fstab", "/etc/fstab names that file system type"),
        ("printf '[Mount]\\nType=ramfs\\n' > /etc/systemd/system/srv.mount", "srv.mount names that file system type"),
        ("mkdir /etc/modules-load.d && echo ramfs > /etc/modules-load.d/x.conf", "x.conf has it loaded at boot"),
    ],
)
def test_a_module_in_use_is_never_denied(host: ModulesHost, how: str, reason: str) -> None:
    assert host.run("kernel_modules", deny=["ramfs"], check=True)["denied"] == ["ramfs"]
    host.sh(how)
    result = host.run("kernel_modules", deny=["ramfs", "floppy"])
    assert result["denied"] == ["floppy"] and reason in result["left_alone"]["ramfs"]
    assert "Not denied: ramfs" in str(result["warnings"])
    assert host.modprobe("ramfs")[0].startswith("insmod")


def test_what_is_denied_and_then_needed_is_given_free(host: ModulesHost) -> None:
    host.run("kernel_modules", profile="strict")
    assert host.modprobe("udf") == ["install /bin/false"]
    host.sh("echo '/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0' > /etc/fstab")
    result = host.run("kernel_modules", profile="strict")
    assert result["changed"] and host.modprobe("udf")[0].startswith("insmod")
    assert outcomes(result)["udf"] == "fail" and "/etc/fstab" in evidence(result, "udf")


def test_what_a_loaded_or_needed_module_needs_is_not_denied(host: ModulesHost) -> None:
    host.load("acme_cluster", users=1)
    host.load("rds", users=1, holders=["acme_cluster"])
    result = host.run("kernel_modules", profile="baseline", deny=["floppy"])
    assert "rds" in result["left_alone"] and "rds" not in result["denied"]
    assert host.modprobe("bridge")[0].startswith("insmod"), "llc and stp must stay"


def test_loaded_modules_are_left_alone_and_told(host: ModulesHost) -> None:
    host.load("dccp", users=1)
    host.load("tipc")
    result = host.run("kernel_modules", profile="baseline")
    assert "1 make use of it" in result["left_alone"]["dccp"]
    assert "unload: true" in result["left_alone"]["tipc"]
    assert outcomes(result)["dccp"] == outcomes(result)["tipc"] == "fail"


def test_module_loaded_by_hand_stays_denied_and_is_told(host: ModulesHost) -> None:
    host.run("kernel_modules", profile="baseline")
    host.load("tipc")
    result = host.run("kernel_modules", profile="baseline")
    assert not result["changed"] and "tipc" in result["denied"]
    assert outcomes(result)["tipc"] == "fail" and "loaded now" in evidence(result, "tipc")


def test_unloading_that_the_kernel_refuses_takes_everything_back(host: ModulesHost) -> None:
    host.load("tipc")
    tree = host.tree()
    predicted = host.run("kernel_modules", profile="baseline", unload=True, check=True)
    assert "set tipc from 'loaded' to 'not loaded'" in predicted["actions"] and "tipc" in predicted["denied"]
    result = host.run("kernel_modules", profile="baseline", unload=True)
    assert result["failed"] and "tipc" in result["msg"] and host.tree() == tree


def test_built_in_module_is_told(host: ModulesHost) -> None:
    result = host.run("kernel_modules", profile="baseline")
    assert "cannot be denied" in result["left_alone"]["hfsplus"]
    assert outcomes(result)["hfsplus"] == "not_applicable" and "built into" in evidence(result, "hfsplus")
    assert "hfsplus" not in host.sh(f"cat {FILE}")


def test_file_that_comes_first_is_named(host: ModulesHost) -> None:
    host.sh("echo 'install cram* /sbin/modprobe --ignore-install cramfs' > /etc/modprobe.d/00-aaa.conf")
    host.sh("echo 'install hfs /sbin/modprobe --ignore-install hfs' > /etc/modprobe.d/zzz.conf")
    result = host.run("kernel_modules", profile="baseline")
    assert list(result["overridden"]) == ["cramfs"]
    assert result["overridden"]["cramfs"]["file"] == "/etc/modprobe.d/00-aaa.conf"
    assert outcomes(result)["cramfs"] == "fail" and outcomes(result)["hfs"] == "pass"
    assert host.modprobe("hfs") == ["install /bin/false"]


def test_denial_of_somebody_else_counts(host: ModulesHost) -> None:
    host.sh("echo 'install cramfs /bin/true' > /etc/modprobe.d/cis.conf")
    result = host.run("kernel_modules", profile="baseline", omit=["hfs"], check=True)
    assert result["score"]["before"] == 1


def test_what_modprobe_does_not_confirm_is_taken_back(host: ModulesHost) -> None:
    # Whoever wrapped modprobe has it read another directory than it says it does.
    scratch = host.scratch
    host.sh(
        f"mkdir {scratch}/empty {scratch}/bin; cp -L $(command -v modprobe) {scratch}/bin/modprobe\n"
        f"printf '#!/bin/sh\\nexec {scratch}/bin/modprobe --config {scratch}/empty \"$@\"\\n' > {scratch}/wrapper\n"
        f"chmod 755 {scratch}/wrapper; mount --bind {scratch}/wrapper $(readlink -f $(command -v modprobe))"
    )
    tree = host.tree()
    result = host.run("kernel_modules", profile="baseline")
    assert result["failed"] and "modprobe would still run" in result["msg"] and host.tree() == tree


def test_second_run_changes_nothing(host: ModulesHost) -> None:
    options = {"profile": "strict", "deny": ["floppy"], "omit": ["sctp"]}
    assert host.run("kernel_modules", **options)["changed"]
    tree = host.tree()
    for check in (True, False):
        assert not host.run("kernel_modules", **options, check=check)["changed"]
    assert host.tree() == tree


def test_hand_made_change_is_mended(host: ModulesHost) -> None:
    host.run("kernel_modules", profile="baseline")
    content = host.sh(f"cat {FILE}")
    host.sh(f"sed -i '/cramfs/d' {FILE}; chmod 666 {FILE}")
    result = host.run("kernel_modules", profile="baseline")
    assert result["actions"][0] == f"change {FILE}" and host.sh(f"cat {FILE}") == content
    assert host.sh(f"stat -c %a {FILE}").strip() == "644"


def test_check_predicts_exactly_and_touches_nothing(host: ModulesHost) -> None:
    host.sh("rm -rf /etc/modprobe.d")
    tree = host.tree()
    predicted = host.run("kernel_modules", profile="strict", check=True)
    assert host.tree() == tree
    assert predicted == host.run("kernel_modules", profile="strict") and predicted["changed"]


@pytest.mark.parametrize("before", ["rm -rf /etc/modprobe.d", f"printf '# mine\\n\\377' > {FILE}; chmod 600 {FILE}"])
def test_absent_brings_back_everything(host: ModulesHost, before: str) -> None:
    host.sh(before)
    tree = host.tree()
    host.run("kernel_modules", profile="strict")
    host.run("kernel_modules", profile="baseline", deny=["floppy"])
    predicted = host.run("kernel_modules", state="absent", check=True)
    assert predicted == host.run("kernel_modules", state="absent") and predicted["changed"]
    assert host.tree() == tree
    assert not host.run("kernel_modules", state="absent")["changed"]


@pytest.mark.parametrize("step", range(2))
def test_run_after_a_kill_converges_and_can_be_undone(host: ModulesHost, step: int) -> None:
    host.sh(f"echo '# mine' > {FILE}")
    tree = host.tree()
    killed = host.script(KILLED, str(step))
    assert killed.returncode == -9, killed.stderr
    host.run("kernel_modules", profile="baseline")
    assert host.modprobe("cramfs") == ["install /bin/false"]
    assert not host.run("kernel_modules", profile="baseline")["changed"]
    host.run("kernel_modules", state="absent")
    assert host.tree() == tree


def test_kernel_without_modules_has_nothing_to_deny(host: ModulesHost) -> None:
    host.sh("mount -t tmpfs tmpfs /usr/lib/modules")
    result = host.run("kernel_modules", profile="strict")
    assert not result["changed"] and result["score"]["total"] == 0


def test_initramfs_that_is_older_is_told(host: ModulesHost) -> None:
    image = f"/boot/initrd.img-{os.uname().release}"
    host.sh(f"mount -t tmpfs tmpfs /boot; touch {image}")
    assert host.run("kernel_modules", profile="baseline")["initramfs"] == {"image": image, "stale": True}
    host.sh(f"touch -d '+1 minute' {image}")
    assert host.run("kernel_modules", profile="baseline")["initramfs"] == {"image": image, "stale": False}


def test_user_without_permission_is_told_and_nothing_changes(host: ModulesHost) -> None:
    tree = host.tree()
    done = host.script(AS_NOBODY.format(module="kernel_modules", options={"profile": "baseline"}))
    assert "add 'become: true'" in done.stdout and "Traceback" not in done.stdout + done.stderr
    assert host.tree() == tree
