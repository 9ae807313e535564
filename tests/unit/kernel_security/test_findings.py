# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel shows of its security modules, judged; and read from files as kernels write them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.caisson.hardening.plugins.module_utils.kernel_security.findings import Security, findings
from ansible_collections.caisson.hardening.plugins.module_utils.kernel_security.observe import observe

# As Debian 12 shows them.
DEBIAN = {
    "sys/kernel/security/lsm": "lockdown,capability,landlock,yama,apparmor,tomoyo,bpf",
    "sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
    "sys/kernel/security/apparmor/profiles": "docker-default (enforce)\nman_groff (enforce)\n/usr/bin/x (complain)\n",
    "sys/module/apparmor/parameters/enabled": "Y\n",
    "sys/module/module/parameters/sig_enforce": "N\n",
    "proc/modules": "",
}


def seen(folder: Path, files: dict[str, str]) -> Security:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return observe(str(folder / "sys"), str(folder / "proc"))


def outcomes(security: Security, profile: str = "strict") -> dict[str, tuple[str, str]]:
    found = findings(security, profile)
    return {each.control.partition(".")[2]: (each.outcome, each.evidence) for each in found}


def test_debian_as_it_is_installed(tmp_path: Path) -> None:
    found = outcomes(seen(tmp_path, DEBIAN))
    assert found["mandatory_access_control"] == ("pass", "AppArmor is enabled: 2 profiles enforce, 1 complain")
    assert found["lsm_yama"][0] == found["lsm_landlock"][0] == "pass"
    assert found["lockdown"][0] == "fail" and "lockdown=integrity" in found["lockdown"][1]
    assert found["module_signatures"][0] == "fail" and "module.sig_enforce=1" in found["module_signatures"][1]


def test_locked_down_kernel(tmp_path: Path) -> None:
    files = {**DEBIAN, "sys/kernel/security/lockdown": "none [integrity] confidentiality\n"}
    found = outcomes(seen(tmp_path, files))
    assert found["lockdown"] == ("pass", "lockdown is integrity") and found["module_signatures"][0] == "pass"


def test_missing_module_is_named_with_the_whole_list_to_write(tmp_path: Path) -> None:
    found = outcomes(seen(tmp_path, {**DEBIAN, "sys/kernel/security/lsm": "lockdown,capability,apparmor"}))
    assert "lsm=lockdown,apparmor,yama" in found["lsm_yama"][1]


def test_selinux_that_only_permits_fails(tmp_path: Path) -> None:
    files = {"sys/kernel/security/lsm": "capability,yama,selinux", "sys/fs/selinux/enforce": "0"}
    assert outcomes(seen(tmp_path, files))["mandatory_access_control"][0] == "fail"
    files["sys/fs/selinux/enforce"] = "1"
    assert outcomes(seen(tmp_path, files))["mandatory_access_control"] == ("pass", "SELinux enforces")


def test_neither_of_both_fails(tmp_path: Path) -> None:
    found = outcomes(seen(tmp_path, {**DEBIAN, "sys/module/apparmor/parameters/enabled": "N\n"}))
    assert found["mandatory_access_control"][0] == "fail" and "apparmor=1" in found["mandatory_access_control"][1]


def test_container_that_sees_nothing_is_not_judged(tmp_path: Path) -> None:
    found = outcomes(seen(tmp_path, {}))
    assert {outcome for outcome, _evidence in found.values()} == {"not_applicable", "pass"}
    assert found["module_signatures"] == ("pass", "this kernel loads no modules")


def test_baseline_judges_less() -> None:
    assert set(outcomes(Security(), "baseline")) == {"mandatory_access_control", "lsm_yama"}
