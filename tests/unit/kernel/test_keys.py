# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and values of sysctl keys, and the catalogue's promises."""

from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.controls.kernel import CONTROLS
from ansible_collections.caisson.hardening.plugins.module_utils.host.sysctl_names import (
    canonical_key,
    canonical_value,
    key_path,
    path_key,
)
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.keys import (
    KEYS,
    KNOWN,
    is_one_way,
    profile_values,
    stricter,
)
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.left_alone import LEFT_ALONE, refusal
from ansible_collections.caisson.hardening.plugins.module_utils.kernel.model import (
    plain_integers,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("kernel.kptr_restrict", "kernel.kptr_restrict"),
        (" kernel/kptr_restrict ", "kernel.kptr_restrict"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.conf.eth0/100.rp_filter"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net.ipv4.conf.eth0/100.rp_filter"),
    ],
)
def test_both_spellings_of_a_key_mean_the_same(name: str, key: str) -> None:
    assert canonical_key(name) == key


@pytest.mark.parametrize("name", ["", " ", ".", "kernel..x", "../etc/passwd", "/etc/passwd", "a b", "kernel.*", "k\nx"])
def test_what_is_no_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        canonical_key(name)


@given(st.text())
def test_no_accepted_name_leads_out_of_the_directory(name: str) -> None:
    try:
        path = key_path(canonical_key(name))
    except ValueError:
        return
    assert not path.startswith("/") and ".." not in path.split("/") and "" not in path.split("/")
    assert path_key(path) == canonical_key(name)


def test_white_space_of_any_kind_is_one_blank() -> None:
    assert canonical_value(" 4\t4  1\t7\n") == "4 4 1 7"


@pytest.mark.parametrize(("given_", "shown"), [("0x10", "16"), ("010", "8"), ("+1", "1"), ("-0", "0"), ("08", "08")])
def test_integers_are_read_as_the_kernel_reads_them(given_: str, shown: str) -> None:
    assert plain_integers(given_) == shown


@given(st.lists(st.integers(), min_size=1))
def test_plain_integers_stay_as_they_are(numbers: list[int]) -> None:
    text = " ".join(map(str, numbers))
    assert plain_integers(text) == text


@pytest.mark.parametrize(
    ("key", "live", "wanted", "stands"),
    [
        ("kernel.unprivileged_bpf_disabled", "1", "2", True),
        ("kernel.unprivileged_bpf_disabled", "0", "2", False),
        ("kernel.kptr_restrict", "2", "1", True),
        ("net.ipv4.conf.all.rp_filter", "2", "1", False),
        ("vm.mmap_min_addr", "131072", "65536", True),
        ("vm.mmap_min_addr", "4096", "65536", False),
        ("kernel.sysrq", "1", "0", False),
        ("kernel.perf_event_paranoid", "-1", "2", False),
        ("kernel.not_ours", "2", "1", False),
    ],
)
def test_stricter_live_value_stands(key: str, live: str, wanted: str, stands: bool) -> None:
    assert stricter(key, live, wanted) is stands


@pytest.mark.parametrize("profile", ["baseline", "strict"])
def test_no_profile_holds_what_cuts_docker_off_or_cannot_be_undone(profile: str) -> None:
    for key, value in profile_values(profile).items():
        assert not is_one_way(key, value) and refusal(key, value) is None and "forwarding" not in key


def test_strict_contains_baseline_and_is_never_weaker() -> None:
    strict = profile_values("strict")
    for key, value in profile_values("baseline").items():
        assert stricter(key, strict[key], value)


def test_key_is_either_set_by_a_profile_or_left_alone() -> None:
    assert not set(KEYS) & set(LEFT_ALONE)
    assert all(canonical_key(key) == key for key in KNOWN)


def test_each_key_has_a_control_with_reason_and_source() -> None:
    assert len({control.id for control in CONTROLS}) == len(KEYS)
    assert all(control.id.startswith("kernel.") and control.reason and control.references for control in CONTROLS)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("net.ipv4.ip_forward", "0"),
        ("net.ipv4.conf.all.forwarding", "0"),
        ("net.ipv6.conf.eth0/1.forwarding", "0"),
        ("net.bridge.bridge-nf-call-iptables", "0"),
        ("kernel.modules_disabled", "1"),
    ],
)
def test_value_that_would_break_containers_is_always_refused(key: str, value: str) -> None:
    assert refusal(key, value) is not None
    assert refusal(key, "1" if value == "0" else "0") is None
