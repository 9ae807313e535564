# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import tls
from ansible_collections.caisson.hardening.plugins.module_utils.daemon.companions import certificates
from ansible_collections.caisson.hardening.plugins.module_utils.host.changes import FileText

NOW = 1_000_000_000.0
REQUEST = tls.Request("/t", ("docker.example",))
NAMES = ("127.0.0.1", "docker.example")
GOOD = {
    tls.AUTHORITY: tls.Certificate(NOW + 7000 * tls.DAY),
    tls.SERVER: tls.Certificate(NOW + 300 * tls.DAY, frozenset(NAMES)),
    tls.CLIENT: tls.Certificate(NOW + 300 * tls.DAY),
}


def issued(**found: tls.Certificate | None) -> dict[str, str]:
    return {issue.kind: issue.reason for issue in tls.issues(REQUEST, {**GOOD, **found}, NAMES, NOW)}


LASTING = NOW + 300 * tls.DAY
ALL_ANEW = {"server": "its authority is new", "client": "its authority is new"}


@pytest.mark.parametrize(
    ("found", "made"),
    [
        ({}, {}),
        ({"client": None}, {"client": "there is none"}),
        (
            {"server": tls.Certificate(NOW + 29 * tls.DAY, frozenset(NAMES))},
            {"server": "the present one ends on 2001-10-08"},
        ),
        (
            {"server": tls.Certificate(LASTING)},
            {"server": "the present one is not for 127.0.0.1, docker.example"},
        ),
        (
            {"server": tls.Certificate(LASTING, frozenset(NAMES), paired=False)},
            {"server": "the present one does not belong to its key"},
        ),
        (
            {"client": tls.Certificate(LASTING, trusted=False)},
            {"client": "the present one is not of this authority"},
        ),
        ({"authority": None}, {"authority": "there is none", **ALL_ANEW}),
        # What it signs would outlive it.
        (
            {"authority": tls.Certificate(NOW + 364 * tls.DAY)},
            {"authority": "the present one ends on 2002-09-08", **ALL_ANEW},
        ),
    ],
)
def test_a_certificate_is_made_anew_only_for_a_reason(found: dict, made: dict) -> None:
    assert issued(**found) == made


def test_the_servers_certificate_is_for_its_names_and_its_addresses_but_for_no_wildcard() -> None:
    hosts = {"hosts": ["tcp://10.0.0.5:2376", "tcp://0.0.0.0:2377", "tcp://[fd00::5]:2376", "unix:///x"]}
    assert tls.server_names(REQUEST, hosts, "me") == (
        "10.0.0.5",
        "127.0.0.1",
        "docker.example",
        "fd00::5",
        "localhost",
        "me",
    )


def test_every_wrong_option_is_told() -> None:
    wrong = tls.Request("here", ("a b", "x", "https://x"), days=10, renew_before=10)
    assert [fault.option for fault in tls.faults(wrong, {"tlskey": "/k.pem", "tlsverify": True})] == [
        "tls_names[0]",
        "tls_names[2]",
        "tls_directory",
        "tls_renew_before",
        "config.tlskey",
    ]


def test_the_files_of_one_certificate_are_told_in_one_sentence_and_a_loose_key_is_closed() -> None:
    def before(path: str) -> FileText | None:
        return FileText("x", 0o644 if path.endswith("ca-key.pem") else 0o400 if "key" in path else 0o444)

    issue = tls.issues(REQUEST, {**GOOD, "client": None}, NAMES, NOW)
    found = certificates(REQUEST, issue, before, lambda _path: False)
    assert [each.sentence for each in found if each.sentence] == [
        "correct owner and mode of /t/ca-key.pem",
        "make the client certificate in /t: there is none",
    ]
    assert {each.path for each in found if each.changes} == {
        "/t/ca-key.pem",
        "/t/client/cert.pem",
        "/t/client/key.pem",
        "/t/client/ca.pem",
    }
