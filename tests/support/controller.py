# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for a job controller's interface, for modules of awx.awx: it keeps what they make and links it.

No controller can be had without a registry. This one refuses what AWX's own views refuse: unknown addresses, names that
are taken, ids that do not exist, and surveys whose form is wrong.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

Item = t.Dict[str, t.Any]

PREFIX = "/api/v2/"
UNIFIED = ("projects", "job_templates", "workflow_job_templates", "workflow_approval_templates")
KINDS = (*UNIFIED, "organizations", "inventories", "credentials", "execution_environments", "schedules",
         "workflow_job_template_nodes")  # fmt: skip
# The fields that hold an id, and of what.
REFERENCES = {
    "organization": "organizations",
    "inventory": "inventories",
    "project": "projects",
    "execution_environment": "execution_environments",
    "workflow_job_template": "workflow_job_templates",
}
LINKS = {
    "job_templates": ("credentials",),
    "workflow_job_template_nodes": ("success_nodes", "failure_nodes", "always_nodes", "credentials"),
}
QUESTION_TYPES = ("text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float")


class Refused(Exception):
    """An answer that is no success: status and body."""

    def __init__(self, status: int, body: Item) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


class Controller:
    """What the controller keeps, and how it answers."""

    def __init__(self) -> None:
        self.items: dict[str, dict[int, Item]] = {kind: {} for kind in KINDS}
        self.links: dict[tuple[str, int, str], list[int]] = {}
        self.surveys: dict[tuple[str, int], Item] = {}
        self.writes: list[str] = []
        self.ids = itertools.count(1)

    def add(self, kind: str, **fields: t.Any) -> Item:
        number = next(self.ids)
        url = f"{PREFIX}{kind}/{number}/"
        item = {"id": number, "url": url, "type": kind[:-1], "related": {}, "summary_fields": {}, **fields}
        if kind in ("job_templates", "workflow_job_templates"):
            item["related"]["survey_spec"] = f"{url}survey_spec/"
        if kind == "projects":
            item["scm_revision"] = "0" * 40
        self.items[kind][number] = item
        return item

    def answer(self, method: str, address: str, body: Item) -> tuple[int, Item]:
        parts = urlsplit(address)
        words = parts.path[len(PREFIX) :].strip("/").split("/")
        if not parts.path.startswith(PREFIX):
            raise Refused(404, {"detail": "Not found."})
        if method != "GET":
            self.writes.append(f"{method} {parts.path}")
        if len(words) == 1:
            return (
                self._list(words[0], dict(parse_qsl(parts.query))) if method == "GET" else self._create(words[0], body)
            )
        item = self._item(words[0], int(words[1]))
        if len(words) == 2:
            if method == "PATCH":
                self._check(words[0], body)
                item.update(body)
            return 200, item
        return self._below(method, words[0], item, words[2], body)

    def _list(self, kind: str, query: dict[str, str]) -> tuple[int, Item]:
        kinds = UNIFIED if kind == "unified_job_templates" else (kind,)
        every = [item for each in kinds for item in self._kind(each).values()]
        found = [item for item in every if all(str(item.get(name)) == value for name, value in query.items())]
        return 200, {"count": len(found), "next": None, "results": found}

    def _create(self, kind: str, body: Item) -> tuple[int, Item]:
        self._kind(kind)
        self._check(kind, body)
        if kind in UNIFIED and any(item["name"] == body["name"] for item in self.items[kind].values()):
            raise Refused(400, {"name": ["exists already"]})
        return 201, self.add(kind, **body)

    def _below(self, method: str, kind: str, item: Item, name: str, body: Item) -> tuple[int, Item]:
        key = (kind, item["id"], name)
        if name == "survey_spec" and name in item["related"]:
            if method == "POST":
                check_survey(body)
                self.surveys[kind, item["id"]] = body
            return 200, self.surveys.get((kind, item["id"]), {})
        if name == "create_approval_template" and kind == "workflow_job_template_nodes":
            made = self.add("workflow_approval_templates", **body)
            item["related"]["unified_job_template"] = made["url"]
            item["unified_job_template"] = made["id"]
            return 201, made
        if name not in LINKS.get(kind, ()):
            raise Refused(404, {"detail": "Not found."})
        linked = self.links.setdefault(key, [])
        target = "credentials" if name == "credentials" else kind
        if method == "GET":
            results = [self.items[target][number] for number in linked]
            return 200, {"count": len(results), "next": None, "results": results}
        self._item(target, body["id"])
        if body.get("disassociate"):
            linked.remove(body["id"])
        else:
            linked.append(body["id"])
        return 204, {}

    def _kind(self, kind: str) -> dict[int, Item]:
        if kind not in self.items:
            raise Refused(404, {"detail": "Not found."})
        return self.items[kind]

    def _item(self, kind: str, number: int) -> Item:
        found = self._kind(kind).get(number)
        if found is None:
            raise Refused(404, {"detail": "Not found."})
        return found

    def _check(self, kind: str, body: Item) -> None:
        for name, target in REFERENCES.items():
            if body.get(name) is not None and body[name] not in self.items[target]:
                raise Refused(400, {name: [f"Invalid pk {body[name]!r} - object does not exist."]})
        if kind == "schedules" and not re.match(r"DTSTART\S*\s+RRULE:FREQ=\w+;INTERVAL=\d+", str(body.get("rrule"))):
            raise Refused(400, {"rrule": ["rrule parsing failed validation"]})


def check_survey(spec: Item) -> None:
    """What AWX demands of a survey."""
    seen = set()
    if not (isinstance(spec.get("name"), str) and isinstance(spec.get("description"), str) and spec.get("spec")):
        raise Refused(400, {"error": "name, description or spec is missing"})
    for question in spec["spec"]:
        missing = {"type", "question_name", "variable", "required"} - set(question)
        if missing or question["type"] not in QUESTION_TYPES or question["variable"] in seen:
            raise Refused(400, {"error": f"the question {question} lacks {missing}, or is there twice"})
        seen.add(question["variable"])
        default, choices = question.get("default", ""), question.get("choices")
        if question["type"].startswith("multi") and not (choices and (default == "" or default in choices)):
            raise Refused(400, {"error": f"the choices of {question['variable']} are wrong"})
        if question["type"] in ("text", "textarea") and not isinstance(default, str):
            raise Refused(400, {"error": f"the default of {question['variable']} is no text"})
        if any(not isinstance(question.get(bound, 0), int) for bound in ("min", "max")):
            raise Refused(400, {"error": f"the bounds of {question['variable']} are no integers"})


@contextlib.contextmanager
def serving(controller: Controller) -> t.Iterator[str]:
    """The controller on loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                status, answer = controller.answer(self.command, self.path, json.loads(body or b"{}"))
            except Refused as refused:
                status, answer = refused.status, refused.body
            content = b"" if status == 204 else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815

        def log_message(self, *_ignored: t.Any) -> None:
            """Nothing; the controller keeps what was written."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
