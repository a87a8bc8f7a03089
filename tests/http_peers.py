"""Other services as real HTTP servers on loopback: what they were asked is kept, and they fail as they are told to."""

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_S = 20.0

Answer = tuple[int, Any]
"""Status and body: anything that JSON can hold, or bytes that are sent as they are."""


@dataclass(frozen=True)
class Asked:
    """One request. path: with its query; body: decoded; headers: names in lower case."""

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]


HANG = "hang"
CLOSE = "close"


@dataclass
class HttpPeer:
    """A service. reply: answers what is asked, if no fault comes first.

    faults  taken one by one, each for a request: HANG (until the end), CLOSE (without an answer), or an answer
    asked   everything that arrived, failed or not
    """

    reply: Callable[[Asked], Answer]
    faults: deque[Any] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._change = threading.Condition()
        self._over = threading.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something that depends on what arrived holds."""
        with self._change:
            assert self._change.wait_for(holds, PATIENCE_S), self.asked

    @contextmanager
    def running(self) -> Iterator["HttpPeer"]:
        """Serve until the block ends."""
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:  # whoever asked has given up
                    self.close_connection = True

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                raw = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, json.loads(raw) if raw else None, headers)
                answer = peer._take(asked)
                if answer is None:
                    self.close_connection = True
                    return
                status, body = answer
                data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("X-Subject-Token", "token")
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815  # http.server's names

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        self.port = server.server_address[1]
        self._over.clear()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            server.shutdown()
            server.server_close()
            thread.join()

    def _take(self, asked: Asked) -> Answer | None:
        with self._change:
            fault = self.faults.popleft() if self.faults else None
            answer = fault if fault is not None else self.reply(asked)
            self.asked.append(asked)
            self._change.notify_all()
        if answer == HANG:
            self._over.wait(PATIENCE_S)
            return None
        return None if answer == CLOSE else answer


class Nova(HttpPeer):
    """Nova as far as it takes events. codes: of the servers that it does not answer 200 for.

    events  that it took, in order: (name, server, port, status)
    """

    def __init__(self) -> None:
        super().__init__(self._events)
        self.codes: dict[str, int] = {}
        self.events: list[tuple[str, str, str, str | None]] = []

    def _events(self, asked: Asked) -> Answer:
        assert (asked.method, asked.path) == ("POST", "/os-server-external-events")
        assert asked.body.keys() == {"events"}
        told = []
        for event in asked.body["events"]:
            assert event.keys() <= {"name", "server_uuid", "tag", "status"}
            code = self.codes.get(event["server_uuid"], 200)
            told.append({"status": "completed", **event, "code": code})
            if code == 200:
                self.events.append((event["name"], event["server_uuid"], event["tag"], event.get("status")))
        return (200 if all(one["code"] == 200 for one in told) else 207), {"events": told}

    def names(self) -> list[str]:
        """Name the events that it took."""
        return [event[0].removeprefix("network-") for event in self.events]


class Designate(HttpPeer):
    """Designate as far as zones and recordsets go.

    zones    name -> project that has it
    records  (zone, name, type) -> records
    """

    def __init__(self, **zones: str) -> None:
        super().__init__(self._answer)
        self.zones = {name.replace("_", "."): project for name, project in zones.items()}
        self.records: dict[tuple[str, str, str], list[str]] = {}

    def _answer(self, asked: Asked) -> Answer:
        path, _, query = asked.path.partition("?")
        wanted = query.removeprefix("name=")
        project = asked.headers.get("x-auth-sudo-project-id", "service")
        words = path.strip("/").split("/")
        if words == ["v2", "zones"]:
            return self._zones(asked, wanted, project)
        zone = words[2].removeprefix("id-")
        if self.zones.get(zone) != project:
            return 404, {}
        return self._recordsets(asked, zone, wanted, words[-1])

    def _zones(self, asked: Asked, wanted: str, project: str) -> Answer:
        if asked.method == "GET":
            found = [name for name, owner in self.zones.items() if owner == project and name == wanted]
            return 200, {"zones": [{"id": f"id-{name}", "name": name} for name in found]}
        if asked.body["name"] in self.zones:
            return 409, {}
        self.zones[asked.body["name"]] = project
        return 201, {"id": f"id-{asked.body['name']}", "name": asked.body["name"]}

    def _recordsets(self, asked: Asked, zone: str, wanted: str, identity: str) -> Answer:
        if asked.method == "GET":
            there = [(key, records) for key, records in self.records.items() if key[:2] == (zone, wanted)]
            sets = [{"id": "-".join(key), "name": key[1], "type": key[2], "records": told} for key, told in there]
            return 200, {"recordsets": sets}
        if asked.method == "DELETE":
            gone = [key for key in self.records if identity == "-".join(key)]
            for key in gone:
                del self.records[key]
            return (202 if gone else 404), {}
        key = (zone, asked.body["name"], asked.body["type"])
        if key in self.records:
            return 409, {}
        self.records[key] = asked.body["records"]
        return 202, {"id": "-".join(key)}


class Placement(HttpPeer):
    """Placement and Nova's host aggregates, as far as resource providers need them. conflicts: so many PUTs lose a race.

    providers   id -> name, parent, traits, inventories, aggregates, generation
    aggregates  name -> id, uuid, hosts
    busy        ids of providers that servers have something of
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.providers: dict[str, dict[str, Any]] = {}
        self.traits: set[str] = set()
        self.aggregates: dict[str, dict[str, Any]] = {}
        self.busy: set[str] = set()
        self.conflicts = 0

    def add(self, identity: str, name: str, parent: str | None = None) -> None:
        """Make a provider, such as that of a compute node."""
        empty = {"traits": [], "inventories": {}, "aggregates": [], "generation": 0}
        self.providers[identity] = {"name": name, "parent": parent, **empty}

    def _answer(self, asked: Asked) -> Answer:  # noqa: PLR0911  # it answers many questions
        words = asked.path.partition("?")[0].strip("/").split("/")
        match asked.method, words:
            case "GET", ["resource_providers"]:
                wanted = asked.path.partition("?name=")[2]
                found = [key for key, one in self.providers.items() if one["name"] == wanted]
                return 200, {"resource_providers": [{"uuid": key} for key in found]}
            case "POST", ["resource_providers"]:
                parent = asked.body.get("parent_provider_uuid")
                if parent is not None and parent not in self.providers:
                    return 400, {}
                self.add(asked.body["uuid"], asked.body["name"], parent)
                return 200, {}
            case "PUT", ["traits", name]:
                self.traits.add(name)
                return 201, None
            case _, ["resource_providers", identity, *part]:
                return self._provider(asked, identity, part)
            case _, ["os-aggregates", *rest]:
                return self._aggregate(asked, rest)
        return 404, {}

    def _provider(self, asked: Asked, identity: str, part: list[str]) -> Answer:  # noqa: PLR0911  # as above
        one = self.providers.get(identity)
        if one is None:
            return 404, {}
        if asked.method == "DELETE":
            if identity in self.busy:
                return 409, {}
            del self.providers[identity]
            return 204, None
        if not part:
            return 200, {"uuid": identity}
        if asked.method == "GET":
            return 200, {part[0]: one[part[0]], "resource_provider_generation": one["generation"]}
        if self.conflicts or asked.body["resource_provider_generation"] != one["generation"]:
            self.conflicts -= 1
            one["generation"] += 1
            return 409, {}
        one |= {part[0]: asked.body[part[0]], "generation": one["generation"] + 1}
        return 200, {}

    def _aggregate(self, asked: Asked, rest: list[str]) -> Answer:
        if not rest:
            if asked.method == "GET":
                return 200, {"aggregates": list(self.aggregates.values())}
            name = asked.body["aggregate"]["name"]
            number = len(self.aggregates) + 1
            self.aggregates[name] = {"id": number, "uuid": f"uuid-{number}", "name": name, "hosts": []}
            return 200, {"aggregate": self.aggregates[name]}
        one = next(one for one in self.aggregates.values() if str(one["id"]) == rest[0])
        if asked.method == "DELETE":
            del self.aggregates[one["name"]]
            return 200, None
        ((word, told),) = asked.body.items()
        if told["host"].startswith("network"):
            return 404, {}
        one["hosts"] = sorted({*one["hosts"], told["host"]} if word == "add_host" else {*one["hosts"]} - {told["host"]})
        return 200, {"aggregate": one}


def keystone(catalogue: Mapping[str, str], region: str = "here") -> HttpPeer:
    """Make a Keystone that gives everybody a token. catalogue: service type -> where its public endpoint is."""

    def reply(asked: Asked) -> Answer:
        assert (asked.method, asked.path) == ("POST", "/v3/auth/tokens")
        public = {"interface": "public", "region": region, "region_id": region}
        services = [{"type": kind, "name": kind, "endpoints": [public | {"url": url}]} for kind, url in catalogue.items()]
        times = {"issued_at": "2026-01-01T00:00:00.000000Z", "expires_at": "2126-01-01T00:00:00.000000Z"}
        return 201, {"token": {"methods": ["password"], "catalog": services, **times}}

    return HttpPeer(reply)


def unused_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
