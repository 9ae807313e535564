# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The traffic that containers live on, tried on a host with a kernel of its own: by name and by IPv6 between two
containers, from outside to a published port, and from a container out through the host's address.

Starting a container takes long on an emulated processor, so two are started once and asked again and again.
"""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
import typing as t
import urllib.error

from . import images
from .outside import Outside

IMAGE = f"{images.REPOSITORY}/busybox:check"
NETWORK = "check-net"
# The engine gives addresses out from the first on, to whichever container comes up first: a fixed one lies far behind.
SUBNET, ADDRESS = "fd00:ca55::/64", "fd00:ca55::100"
OUTSIDE = "10.0.2.2"  # this machine's loopback, as qemu's network shows it to its guests
WORKS = {"name": "served", "ipv6": "served", "outward": "outside", "published": "served", "ip_forward": "1"}

# They come back by themselves after a boot and after the restart of an engine that does not keep them. They end when
# they are told to: those that an engine with live-restore leaves running hold the shutdown up until they do.
_START = """set -e
run="docker run --detach --label check --restart always --stop-timeout 1 --network {network}"
docker network create --ipv6 --subnet {subnet} {network}
$run --name check-web --ip6 {address} --publish 8000:8000 {image} \
  sh -c 'trap exit TERM; mkdir -p /tmp/w; echo served > /tmp/w/index.html; httpd -f -p 8000 -h /tmp/w & wait'
$run --name check-client {image} sh -c 'trap exit TERM; sleep 1000000 & wait'"""
_LOOK = """docker exec check-client sh -c "
ask() {{ printf 'GET / HTTP/1.0\\\\r\\\\n\\\\r\\\\n' | nc -w 10 \\$1 \\$2 | tail -n 1; }}
echo name \\$(ask check-web 8000)
echo ipv6 \\$(ask {address} 8000)
echo outward \\$(ask {outside} {port})"
echo ip_forward $(cat /proc/sys/net/ipv4/ip_forward)"""


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"outside\n")

    def log_message(self, *_ignored: t.Any) -> None:
        pass


@contextlib.contextmanager
def outside_server() -> t.Iterator[int]:
    """A web server on this machine's loopback; its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def start(host: Outside) -> None:
    """Bring the image and start the two containers."""
    status, text = host.run(f"docker import --change 'ENV PATH=/bin' - {IMAGE}", stdin=images.busybox_file_system())
    assert status == 0, text
    host.said(_START.format(network=NETWORK, subnet=SUBNET, address=ADDRESS, image=IMAGE))


def look(host: Outside) -> dict[str, str]:
    """What each way of the traffic brought; equal to ``WORKS`` if all is well."""
    with outside_server() as port:
        _status, text = host.run(_LOOK.format(address=ADDRESS, outside=OUTSIDE, port=port))
    seen = {words[0]: " ".join(words[1:]) for words in map(str.split, text.splitlines()) if words}
    try:
        seen["published"] = host.get(host.web).strip()
    except (urllib.error.URLError, OSError) as error:
        seen["published"] = str(error)
    return seen


def works(host: Outside, seconds: float = 90) -> dict[str, str]:
    """The same, asked again until all works or the time is over: containers take a while to be back."""
    deadline = time.monotonic() + seconds
    while (seen := look(host)) != WORKS and time.monotonic() < deadline:
        time.sleep(2)
    return seen


# An engine beside the host's own, so that what the host's has is not hidden.
_REMAPPED = """set -e
at=/run/docker-remapped
# In a network of its own: with the bridge none it takes the host's docker0 away.
unshare --net dockerd --userns-remap=default --data-root /var/lib/docker-remapped --exec-root $at -H unix://$at.sock \
  --pidfile $at.pid --bridge none --containerd /run/containerd/containerd.sock --containerd-namespace remapped \
  --containerd-plugins-namespace remapped-plugins > $at.log 2>&1 &
trap 'kill $!; wait; rm -rf /var/lib/docker-remapped $at*' EXIT
export DOCKER_HOST=unix://$at.sock
until docker version > /dev/null 2>&1; do sleep 1; kill -0 $! || {{ cat $at.log; exit 1; }}; done
DOCKER_HOST= docker save {image} | docker load > /dev/null
docker run --rm --network none {image} awk '{{ print $1, $2 }}' /proc/self/uid_map"""


def remapped_root(host: Outside) -> int:
    """The user number that root of a container has on the host, under an engine with userns-remap."""
    inside, outside = host.said(_REMAPPED.format(image=IMAGE)).splitlines()[-1].split()
    assert inside == "0"
    return int(outside)
