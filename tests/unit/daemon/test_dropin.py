# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import dropin
from hypothesis import given
from hypothesis import strategies as st

DEBIAN = """[Unit]
Description=Docker
ExecStart=/not/this

[Service]
EnvironmentFile=-/etc/default/docker
Environment=A=b "C=d e"
ExecStart=/usr/sbin/dockerd -H fd:// \\
  --containerd=/run/c.sock $DOCKER_OPTS
# ExecStart=/nor/this
"""
LINE = "/usr/sbin/dockerd -H fd://    --containerd=/run/c.sock $DOCKER_OPTS"


def test_the_last_command_line_counts_and_an_empty_one_forgets_the_former() -> None:
    assert dropin.exec_start([DEBIAN]).split() == LINE.split()
    assert dropin.exec_start([DEBIAN, "[Service]\nExecStart=\nExecStart=/x -D\n"]) == "/x -D"
    assert dropin.exec_start(["[Service]\nExecStart=/x\nExecStart=/y\n"]) == ""
    assert dropin.exec_start([]) == ""


def test_variables_come_from_the_unit_and_its_files() -> None:
    assert dropin.environment_files([DEBIAN]) == ["/etc/default/docker"]
    files = ["# a comment\nDOCKER_OPTS=\"--debug --label 'a=b c'\"\n"]
    assert dropin.variables([DEBIAN], files) == {"A": "b", "C": "d e", "DOCKER_OPTS": "--debug --label 'a=b c'"}


OPTIONS = {"DOCKER_OPTS": "--debug --label a=$x"}


@pytest.mark.parametrize(
    ("names", "environment", "left"),
    [
        (["hosts"], {}, "/usr/sbin/dockerd --containerd=/run/c.sock $DOCKER_OPTS"),
        (["containerd"], OPTIONS, "/usr/sbin/dockerd -H fd:// $DOCKER_OPTS"),
        (["hosts", "debug"], OPTIONS, "/usr/sbin/dockerd --containerd=/run/c.sock --label a=$$x"),
        (["debug", "labels"], OPTIONS, "/usr/sbin/dockerd -H fd:// --containerd=/run/c.sock"),
    ],
)
def test_only_the_named_flags_go_and_a_variable_stays_one_where_it_can(
    names: list, environment: dict, left: str
) -> None:
    assert dropin.without(LINE, environment, names) == left


def test_the_drop_in_says_the_command_line_anew() -> None:
    text = dropin.render(LINE, {}, ["hosts"])
    assert dropin.exec_start([DEBIAN, text]) == "/usr/sbin/dockerd --containerd=/run/c.sock $DOCKER_OPTS"
    assert "have" not in text.splitlines()[0] and "hosts" in text


WORDS = st.lists(st.text(st.characters(codec="ascii", exclude_characters="\n\r\x00"), max_size=6), max_size=4)


@given(WORDS)
def test_any_variable_is_taken_apart_without_a_fault(values: list) -> None:
    """What is left says the same words to the daemon."""
    environment = {"DOCKER_OPTS": " ".join(values)}
    given_words = dropin.words(LINE, environment)
    left = dropin.without(LINE, environment, ["hosts"])
    assert set(dropin.words(left, environment)) <= {
        word.replace("$", "$$").replace("%", "%%") for word in given_words
    } | set(given_words)
