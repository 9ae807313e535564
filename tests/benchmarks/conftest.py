# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the benchmarks share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def docker_host() -> str:
    """The address of the engine; `make benchmark` brings one up."""
    host = os.environ.get("DOCKER_HOST")
    if not host:
        pytest.fail("DOCKER_HOST is not set; run `make benchmark`, or name an engine by DOCKER_HOST", pytrace=False)
    return host
