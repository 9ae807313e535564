# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A registry of one image, on the loopback address, that sends at the speed that a test asks for."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import json
import threading
import time
import typing as t

CHUNK = 65536
TYPES = "application/vnd.docker."


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def serving(repository: str, layer: bytes, seconds: float) -> t.Iterator[str]:
    """Serve an image of one layer, a tar archive, that takes so long to be sent; its reference, as host/name:1."""
    packed = gzip.compress(layer, compresslevel=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"User": "10001", "Cmd": ["sleep", "1000"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            "history": [{}],
        }
    ).encode()
    blobs = {_digest(config): config, _digest(packed): packed}
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{TYPES}distribution.manifest.v2+json",
            "config": {
                "mediaType": f"{TYPES}container.image.v1+json",
                "size": len(config),
                "digest": _digest(config),
            },
            "layers": [
                {
                    "mediaType": f"{TYPES}image.rootfs.diff.tar.gzip",
                    "size": len(packed),
                    "digest": _digest(packed),
                }
            ],
        }
    ).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, body: bool) -> None:
            parts = self.path.strip("/").split("/")
            if self.path == "/v2/":
                self._send(b"{}", "application/json", body)
            elif parts[-2] == "manifests":
                self._send(manifest, f"{TYPES}distribution.manifest.v2+json", body)
            elif parts[-1] in blobs:
                self._send(blobs[parts[-1]], "application/octet-stream", body)
            else:
                self.send_error(404)

        def _send(self, content: bytes, kind: str, body: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Content-Digest", _digest(content))
            self.end_headers()
            for start in range(0, len(content) if body else 0, CHUNK):
                self.wfile.write(content[start : start + CHUNK])
                if content is packed:
                    time.sleep(seconds * CHUNK / len(packed))

        def log_message(self, format: str, *_words: t.Any) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}/{repository}:1"
    finally:
        server.shutdown()
        server.server_close()
