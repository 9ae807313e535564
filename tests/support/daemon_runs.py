# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs that run the core of docker_daemon_config, and die where a test wants them to."""

from __future__ import annotations

from .dying import STEP

# Engine 20.10 gives its metrics to experimental daemons only.
EXPERIMENTAL = [{"control": "daemon.experimental", "reason": "for its metrics", "expires": "2999-12-31"}]
# The core of the module, with its options as the second argument; the first is a word, or how many steps to live.
RUN = """
import json, sys
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import apply, observe, plan, tls
from ansible_collections.caisson.hardening.plugins.module_utils.errors import CaissonError
options = json.loads(sys.argv[2])
NAMES = ("config", "profile", "replace", "flags", "waivers", "controls", "allow_hidden")
wish = {name: options.pop(name) for name in NAMES if name in options}
if "tls" in options:
    wish["tls"] = tls.Request(**options.pop("tls"))
request = plan.Request(remove=tuple(options.pop("remove", ())), **{"profile": "baseline", **wish})
try:
    result = apply.run(observe.Options(request=request, check=sys.argv[1] == "check", **options))
except CaissonError as error:
    result = {"failed": True, "msg": str(error)}
print(json.dumps(result))
"""
# It dies before each thing that it writes, and before and while it tells a daemon or its engine something.
DYING = f"""{STEP}
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import engine, process, service
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import surroundings, takeover
from ansible_collections.caisson.hardening.plugins.module_utils.daemon import transaction as carried
from ansible_collections.caisson.hardening.plugins.module_utils.host import undo
for place in (carried, surroundings, takeover, undo):
    place.write_file = step(place.write_file)
    place.remove_file = step(place.remove_file)
takeover.daemon_reload = step(takeover.daemon_reload)
for daemon in (process.PlainDaemon, service.SystemdDaemon):
    daemon.reload = step(daemon.reload)
    daemon.restart = step(daemon.restart)
    daemon.start = step(daemon.start)
    daemon.stop = step(daemon.stop)
engine.Engine.stop = step(engine.Engine.stop)
engine.Engine.start = step(engine.Engine.start)
process.PlainDaemon._ended = step(process.PlainDaemon._ended)
carried.Transaction._wait = step(carried.Transaction._wait)
"""
# The same, but the guard of the run stays to take back what was done.
DYING_ALONE = f"{DYING}spared = True\n"
# Nobody works on the daemon any more.
FREE = "flock /run/lock/caisson-daemon.lock true"
DIED = 137
