# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The other side of the benchmarks: the least that a program with the Docker SDK does for the same end.

Usage: bare_sdk.py URL unchanged|create|update PREFIX NUMBER THREADS BODY
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import docker


def main(url: str, what: str, prefix: str, number: str, threads: str, body: str) -> None:
    api = docker.APIClient(base_url=url, version="auto", timeout=300, max_pool_size=int(threads))
    given = json.loads(body)
    names = [f"{prefix}-{each:03}" for each in range(int(number))]

    def create(name: str) -> None:
        api.start(api.create_container_from_config(given, name)["Id"])

    def update(name: str) -> None:
        api.update_container(name, **given)

    if what == "unchanged":
        assert set(names) <= {name.lstrip("/") for each in api.containers(all=True) for name in each["Names"]}
    if what == "create":
        api.create_network(prefix, driver="bridge", check_duplicate=True)
    step = {"unchanged": api.inspect_container, "create": create, "update": update}[what]
    if threads == "1":
        for name in names:
            step(name)
    else:
        with ThreadPoolExecutor(int(threads)) as pool:
            list(pool.map(step, names))


if __name__ == "__main__":
    main(*sys.argv[1:])
