# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a valid spec says, in whatever spelling: one run gets there, as check mode said, and the next does nothing.

CAISSON_SEEDS=5,6,7 tries other specs than usual.
"""

from __future__ import annotations

import json
import os
import random
import typing as t

import docker
import pytest
from ansible_collections.caisson.hardening.tests.support.containers import Deployer
from ansible_collections.caisson.hardening.tests.support.generated_specs import SUBNET, Json, Place

pytestmark = pytest.mark.usefixtures("tidy_secrets")
SEEDS = [int(seed) for seed in os.environ.get("CAISSON_SEEDS", "1,2").split(",")]
BATCH = 14
CHANGES = (
    "ENV FROM_IMAGE=theirs EMPTY=",
    "LABEL from=image",
    'VOLUME ["/volume", "/tmp/inner"]',
    "USER 10001",
    "EXPOSE 80/tcp 53/udp",
    "HEALTHCHECK --interval=300ms --start-period=2s CMD true",
    "WORKDIR /home/",
    'ENTRYPOINT ["sleep"]',
    'CMD ["1000"]',
)


@pytest.fixture
def rich(api: docker.APIClient, busybox: str, unique: str) -> t.Iterator[str]:
    """An image that brings a part of everything that an image can bring."""
    seed = api.create_container(busybox, command="true", name=f"{unique}-seed")
    api.commit(seed, f"{unique}-rich", "1", changes=list(CHANGES))
    api.remove_container(seed)
    yield f"{unique}-rich:1"
    for container in api.containers(all=True, filters={"name": unique}):
        api.remove_container(container["Id"], force=True, v=True)
    api.remove_image(f"{unique}-rich:1", force=True)


def converge(deployer: Deployer, specs: list[Json]) -> None:
    """Deploy them; check mode has to have said the same, and a second run to have nothing to do."""
    options: Json = {"policy": "report", "parallel": 8, "settle_time": 0.2}
    predicted = deployer.run(*specs, check=True, **options)
    result = deployer.deploy(*specs, **options)
    assert predicted["actions"] == result["actions"]
    again = deployer.deploy(*specs, **options)
    wanted = {spec["name"]: spec for spec in specs}
    restless = [
        (each["reasons"], wanted[each["name"]]) for each in again["containers"] if each["action"] != "unchanged"
    ]
    assert restless == [], json.dumps(restless, indent=1)
    assert again["actions"] == []
    assert not again["changed"]


@pytest.mark.parametrize("seed", SEEDS)
def test_generated_specs_converge_in_one_run_and_so_do_their_changes(deployer: Deployer, rich: str, seed: int) -> None:
    pool = docker.types.IPAMPool(subnet=SUBNET)
    deployer.api.create_network(f"{deployer.prefix}-net", ipam=docker.types.IPAMConfig(pool_configs=[pool]))
    deployer.deploy(deployer.spec("first"))  # so that the project's network is there to be named
    dice = random.Random(seed)
    places = [Place(deployer.prefix, n, rich if n % 3 == 0 else deployer.image, n % 3 == 0) for n in range(BATCH)]
    drawn = [place.drawn(dice) for place in places]
    converge(deployer, [place.spec(groups) for place, groups in zip(places, drawn)])
    changed = [place.changed(groups, dice) for place, groups in zip(places, drawn)]
    converge(deployer, [place.spec(groups) for place, groups in zip(places, changed)])
