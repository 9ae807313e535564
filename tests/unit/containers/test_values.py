# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The readers of single options: canonical forms, and never anything but a value or Wrong."""

from __future__ import annotations

import math
import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import ports, spec, tmpfs, values
from ansible_collections.caisson.hardening.plugins.module_utils.containers.units import Wrong
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=60), st.binary(max_size=9),
    st.text("abz019.:/-_[]=,%@ \0\x1b\n", max_size=60), st.just(10**40), st.just("\ud800"), st.just("a" * 300 + "!"),
    st.just("9" * 400),
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            # NaN is no key: it is not even itself.
            st.one_of(
                st.sampled_from(["name", "test", "target", "source", "control", "interval"]),
                scalars.filter(lambda value: not (isinstance(value, float) and math.isnan(value))),
            ),
            inner, max_size=3,
        ),
    ),
    max_leaves=6,
)  # fmt: skip


@pytest.mark.parametrize("option", sorted(spec.READERS))
@given(value=anything)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_a_reader_gives_a_value_or_wrong(option: str, value: t.Any) -> None:
    try:
        spec.READERS[option](value)
    except Wrong as wrong:
        assert wrong.problem
        assert wrong.remedy


@pytest.mark.parametrize(
    ("reader", "given_", "canonical"),
    [
        (values.path, "//srv/../data/", "/data"),
        (values.capability, "cap_net_raw", "NET_RAW"),
        (values.capabilities, "chown, SETUID", {"CHOWN", "SETUID"}),
        (values.words, ["a", " b"], ["a", "b"]),
        (values.ulimits, ["core:0", " nofile:9"], {"core": (0, 0), "nofile": (9, 9)}),
        (values.stop_signal, "term", "SIGTERM"),
        (values.stop_signal, 15, "SIGTERM"),
        (values.stop_signal, "37", "SIGRTMIN+3"),
        (values.stop_signal, "RTMIN+3", "SIGRTMIN+3"),
        (values.choice("no", "always"), False, "no"),
        (values.boolean, "off", False),
        (values.boolean, 1, True),
        (values.argv, "sh -c 'a b'", ["sh", "-c", "a b"]),
        (values.argv, ["a b", ""], ["a b", ""]),
        (values.env, {"A": 1, "B": "", "C": "ü\n"}, {"A": "1", "B": "", "C": "ü\n"}),
        (values.labels, {"team": ""}, {"team": ""}),
        (values.security_opt, "no-new-privileges", "no-new-privileges=true"),
        (values.security_opt, "no-new-privileges:false", "no-new-privileges=false"),
        (values.security_opt, "label:disable", "label=disable"),
        (values.security_opt, 'seccomp={\n  "b": [1],\n  "a": "x"\n}\n', 'seccomp={"a":"x","b":[1]}'),
        (values.security_opt, "label=level:s0:c1,c2", "label=level:s0:c1,c2"),
        (values.security_opt, "apparmor : web ", "apparmor=web"),
        (values.ulimits, ["nofile:10", "core:0:unlimited"], {"nofile": (10, 10), "core": (0, -1)}),
        (values.image, "localhost:5000/a/b:1", "localhost:5000/a/b:1"),
        (values.hostname, "web-1.example.org", "web-1.example.org"),
        (ports.address, "[::0001]", "::1"),
        (tmpfs.tmpfs, ["/tmp/:size=1m,mode=01777,rw"], {"/tmp": {"size": "1048576", "mode": "1777"}}),
        (tmpfs.tmpfs, "/a:exec,noexec", {"/a": {"noexec": ""}}),
        (ports.published_ports, ["127.0.0.1:8080:80"], {("80/tcp", "127.0.0.1", "8080")}),
        (ports.published_ports, [8080], {("8080/tcp", "", "")}),
        (ports.published_ports, ["8080:80/udp"], {("80/udp", "", "8080")}),
        (ports.published_ports, ["127.0.0.1::80"], {("80/tcp", "127.0.0.1", "")}),
        (ports.published_ports, ["[::1]:81:80"], {("80/tcp", "::1", "81")}),
        (ports.published_ports, ["[::ffff:127.0.0.1]:81:80"], {("80/tcp", "127.0.0.1", "81")}),
        (ports.published_ports, ["10-11:20-21"], {("20/tcp", "", "10"), ("21/tcp", "", "11")}),
        (ports.published_ports, ["1.2.3.4:53:53/udp", "1.2.3.4:53:53"],
         {("53/udp", "1.2.3.4", "53"), ("53/tcp", "1.2.3.4", "53")}),
    ],
)  # fmt: skip
def test_a_reader_gives_the_one_canonical_form(
    reader: t.Callable[[t.Any], t.Any], given_: t.Any, canonical: t.Any
) -> None:
    assert reader(given_) == canonical


@pytest.mark.parametrize("option", sorted(spec.READERS))
def test_a_number_that_python_would_not_write_is_refused(option: str) -> None:
    for value in (10**5000, [10**5000], {"name": 10**5000}):
        with pytest.raises(Wrong):
            spec.READERS[option](value)


def test_readers_keys_are_the_options_keys() -> None:
    assert set(spec.READERS) == set(spec.options.container_options()) == spec.option_names()


@given(
    st.dictionaries(st.sampled_from(sorted(tmpfs.FLAGS)), st.just(""), max_size=4),
    st.integers(0, 0o7777),
    st.integers(1, 2**50),
)
def test_tmpfs_options_read_back_as_they_are_written(flags: dict[str, str], mode: int, size: int) -> None:
    once = tmpfs.tmpfs_options(",".join([*flags, f"mode={mode:o}", f"size={size}"]))
    written = ",".join(f"{key}={value}" if value else key for key, value in sorted(once.items()))
    assert tmpfs.tmpfs_options(written) == once


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        ("101", {"uid": "101"}),
        ("101:102", {"uid": "101", "gid": "102"}),
        ("0101:app", {"uid": "101"}),
        ("101:0", {"uid": "101", "gid": "0"}),
        *((user, {}) for user in ("", "app", "0", "00:0", "root", "app:5", "\u0661", "1 2")),
    ],
)
def test_a_tmpfs_is_the_users_own_where_the_user_is_a_number(user: str, owner: dict[str, str]) -> None:
    given_ = {"/tmp": {"size": "1"}, "/a": {"uid": "7"}, "/b": {"gid": "7"}}
    assert tmpfs.owned(given_, user) == {**given_, "/tmp": {"size": "1", **owner}}


@given(
    st.sampled_from(["", "127.0.0.1", "[::1]", "10.0.0.7"]),
    st.integers(1, 65535),
    st.integers(1, 65535),
    st.sampled_from(["tcp", "udp"]),
)
def test_a_port_mapping_is_read_field_by_field(host: str, outer: int, inner: int, protocol: str) -> None:
    written = f"{host}:{outer}:{inner}/{protocol}" if host else f"{outer}:{inner}/{protocol}"
    assert ports.published_ports([written]) == {(f"{inner}/{protocol}", host.strip("[]"), str(outer))}
