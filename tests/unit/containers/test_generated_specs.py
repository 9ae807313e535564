# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The generator of valid specs, which the tests against an engine use, gives valid ones."""

from __future__ import annotations

import random

from ansible_collections.caisson.hardening.plugins.module_utils.containers import options, spec
from ansible_collections.caisson.hardening.tests.support.generated_specs import Place


def test_generated_specs_are_valid_and_use_every_option() -> None:
    used: set[str] = set()
    for seed in range(400):
        dice = random.Random(seed)
        place = Place("caisson-x", seed % 20, "shop/web:1", seed % 3 == 0)
        drawn = place.drawn(dice)
        for groups in (drawn, place.changed(drawn, dice)):
            given = place.spec(groups)
            assert spec.parse_specs([given])
            used |= set(given)
    assert used >= KNOWN
    assert set(options.container_options()) >= KNOWN


# The options that the generator draws; one that is new is to be added there and here.
KNOWN = frozenset(
    "name image state pull command entrypoint env user working_dir labels hostname init healthcheck read_only tmpfs"
    " mounts volumes cap_drop capabilities security_opts memory memory_swap cpus pids_limit ulimits shm_size networks"
    " published_ports log_driver log_options restart_policy restart_retries stop_timeout stop_signal sysctls cpu_shares"
    " cpuset_cpus cpuset_mems memory_reservation memory_swappiness blkio_weight oom_score_adj ipc_mode pid_mode uts"
    " cgroupns_mode userns_mode devices device_cgroup_rules groups privileged runtime tty interactive exposed_ports"
    " domainname dns_servers dns_opts dns_search_domains etc_hosts keep_previous update_order drift_ignore"
    " waivers".split()
)
