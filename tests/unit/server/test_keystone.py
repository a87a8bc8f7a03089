"""Callers whom Keystone vouches for, with a peer that has every fault."""

import gc
import select
import socket
import subprocess
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from identity import PASSWORD, Identity, described, identity
from kaon.cmd.settings import read_files
from kaon.server.api import keystone
from kaon.server.api.asked import Asked
from kaon.server.api.faults import HttpRefusal, fault
from kaon.server.api.keystone import KeystoneAuthentication, WrongKeystoneSettings
from kaon.server.control.core import Caller

Make = Callable[..., KeystoneAuthentication]
RULE = {"id": "r1", "service": "network", "method": "GET", "path": "/v2.0/ports"}
NETWORK = [{"type": "network", "name": "neutron", "id": "s1", "endpoints": []}]


@pytest.fixture
def peer() -> Iterator[Identity]:
    """A Keystone with the tokens that most tests need."""
    with identity() as one:
        one.tokens = {
            "member": described("ann", "member", "reader", project="p1"),
            "admin": described("root", "admin", "member", "reader", project="p0"),
            "no roles": described("ann", project="p1"),
            "unscoped": described("ann"),
            "domain": described("ann", "admin", domain="d9"),
            "system": described("root", "admin", system={"all": True}),
            "expired": described("ann", "member", project="p1", lasts_s=-60),
            "service": described("nova", "service", project="service"),
            "old service": described("nova", "service", project="service", lasts_s=-60),
            "system service": described("nova", "service", system={"all": True}),
            "rules": described("ann", "member", project="p1", application_credential={"access_rules": [RULE]}, catalog=NETWORK),
        }
        yield one


@pytest.fixture
def make(peer: Identity, tmp_path: Path) -> Make:
    """Make an authenticator with more options, or others."""

    def of(**options: Any) -> KeystoneAuthentication:
        usual = {
            "www_authenticate_uri": "http://keystone.example/v3",
            "auth_url": peer.url,
            "auth_type": "password",
            "username": "kaon",
            "password": PASSWORD,
            "project_name": "service",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
            "http_request_max_retries": 0,
        }
        path = tmp_path / "kaon.conf"
        lines = [f"{name} = {value}\n" for name, value in (usual | options).items() if value is not None]
        path.write_text("[keystone_authtoken]\n" + "".join(lines))
        return KeystoneAuthentication(read_files([path], {}))

    return of


def asked(token: str = "", service: str = "", *, line: str = "GET /v2.0/ports", more: dict[str, str] | None = None) -> Asked:
    """A request with tokens, and more headers."""
    method, path = line.split()
    given = (more or {}) | ({"x-auth-token": token} if token else {}) | ({"x-service-token": service} if service else {})
    return Asked(method, path, tuple(path.strip("/").split("/")), (), given, b"", "http://kaon:9696")


def refused(door: KeystoneAuthentication, request: Asked) -> int:
    """The status that a request is refused with."""
    with pytest.raises(HttpRefusal) as refusal:
        door.caller(request, "req-1")
    return refusal.value.status


def outcome(door: KeystoneAuthentication, request: Asked) -> str | int:
    """The user, or the status of the refusal."""
    try:
        return door.caller(request, "req-1").user_id
    except HttpRefusal as refusal:
        return refusal.status


def until(happened: Callable[[], bool], what: str) -> None:
    """Wait for a state; fail when it does not come."""
    end = time.monotonic() + 10.0
    while not happened():
        assert time.monotonic() < end, f"waited in vain: {what}"
        select.select((), (), (), 0.01)


D1 = {"user_domain_id": "d1", "project_domain_id": "d1"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (asked("member"), Caller("ann", "p1", frozenset({"member", "reader"}), **D1)),
        (asked("  member "), Caller("ann", "p1", frozenset({"member", "reader"}), **D1)),
        (asked(more={"x-storage-token": "member"}), Caller("ann", "p1", frozenset({"member", "reader"}), **D1)),
        (asked("admin"), Caller("root", "p0", frozenset({"admin", "member", "reader"}), **D1)),
        (asked("no roles"), Caller("ann", "p1", **D1)),
        (asked("unscoped"), Caller("ann", "", user_domain_id="d1")),
        (asked("domain"), Caller("ann", "", frozenset({"admin"}), user_domain_id="d1", domain_id="d9")),
        (asked("system"), Caller("root", "", frozenset({"admin"}), user_domain_id="d1", system_scope="all")),
        (
            asked("member", "service"),
            Caller("ann", "p1", frozenset({"member", "reader"}), service_roles=frozenset({"service"}), **D1),
        ),
        (asked("expired", "service"), Caller("ann", "p1", frozenset({"member"}), service_roles=frozenset({"service"}), **D1)),
    ],
)
def test_a_token_says_who_asks(make: Make, request_: Asked, expected: Caller) -> None:
    """User, project, domains, scope and roles are the token's; a service token adds its roles and lets expired tokens pass."""
    door = make()
    for _ in range(2):  # asked for, and remembered
        assert expected == door.caller(request_, "")
    assert door.caller(request_, "req-7").request_id == "req-7"


@pytest.mark.parametrize("service", ["service", "system service"])
def test_a_service_token_neither_lends_nor_takes_a_scope(make: Make, service: str) -> None:
    """The system scope is the user's."""
    door = make()
    assert ("", "all") == tuple(door.caller(asked(user, service), "").system_scope for user in ("member", "system"))


@pytest.mark.parametrize("token", ["member", ""])
def test_nobody_can_claim_what_keystone_is_to_say(make: Make, token: str) -> None:
    """Headers that name a user, a project, roles or a scope count for nothing."""
    claims = {"x-user-id": "eve", "x-project-id": "p0", "x-roles": "admin", "x-service-roles": "service"}
    claims |= {"openstack-system-scope": "all", "x-identity-status": "Confirmed", "x-domain-id": "d9"}
    door = make()
    if not token:
        assert refused(door, asked(more=claims)) == 401
    else:
        assert door.caller(asked(token), "") == door.caller(asked(token, more=claims), "")


@pytest.mark.parametrize("delay", [True, False])
@pytest.mark.parametrize(
    "request_",
    [
        asked(),
        asked(more={"x-auth-token": " "}),
        asked("nonsense"),
        asked("expired"),
        asked("expired", "old service"),
        asked("", "service"),
        asked("nons\xe9nse"),
    ],
)
def test_without_a_good_token_it_is_401(make: Make, delay: bool, request_: Asked) -> None:
    """The answer says where to get one."""
    with pytest.raises(HttpRefusal) as refusal:
        make(delay_auth_decision=delay).caller(request_, "req-1")
    status, document, headers = fault(refusal.value)
    assert (401, "HTTPUnauthorized") == (status, document["NeutronError"]["type"])
    assert {"WWW-Authenticate": 'Keystone uri="http://keystone.example/v3"'} == headers


def test_where_to_authenticate_is_auth_url_by_default(make: Make, peer: Identity) -> None:
    """Without www_authenticate_uri."""
    with pytest.raises(HttpRefusal) as refusal:
        make(www_authenticate_uri=None).caller(asked(), "")
    assert {"WWW-Authenticate": f'Keystone uri="{peer.url}"'} == refusal.value.headers


def test_who_is_a_service_is_the_operators_decision(make: Make) -> None:
    """A token without one of service_token_roles is refused as service token, unless they are not required."""
    assert refused(make(), asked("member", "admin")) == 401
    door = make(service_token_roles="admin")  # noqa: S106  # names of roles
    assert {"admin"} < door.caller(asked("member", "admin"), "").service_roles
    lenient = make(service_token_roles_required=False)
    assert {"admin"} < lenient.caller(asked("member", "admin"), "").service_roles
    assert refused(lenient, asked("expired", "admin")) == 401


def test_a_bad_service_token_spoils_a_good_token(make: Make) -> None:
    """Unless the decision is left to us: then the user counts, without a service."""
    assert refused(make(), asked("member", "nonsense")) == 401
    assert frozenset() == make(delay_auth_decision=True).caller(asked("member", "nonsense"), "").service_roles


def test_access_rules_are_kept_to(make: Make, peer: Identity) -> None:
    """A restricted application credential may do what its rules say, each time; nothing when our service type is not known."""
    door = make(service_type="network")
    for _ in range(2):
        assert ["ann", 401, 401] == [
            outcome(door, asked("rules", line=line)) for line in ("GET /v2.0/ports", "POST /v2.0/ports", "GET /v2.0/networks")
        ]
    assert peer.asked["rules"] == 1
    assert refused(make(), asked("rules")) == 401


@pytest.mark.parametrize(
    ("broken", "options"),
    [
        (500, {}),
        (503, {}),
        (403, {}),
        ("garbage", {}),
        ("close", {}),
        ("hang", {"http_connect_timeout": 1}),
        (None, {"password": "wrong"}),
        (None, {"auth_url": "http://127.0.0.1:1/v3"}),
    ],
)
def test_when_keystone_cannot_be_asked_it_is_503(make: Make, peer: Identity, broken: Any, options: dict[str, Any]) -> None:
    """An error, nonsense, no answer, no connection, or our own password is wrong: it is not the caller's fault."""
    peer.fault = broken
    with pytest.raises(HttpRefusal) as refusal:
        make(**options).caller(asked("member"), "req-1")
    status, document, headers = fault(refusal.value)
    assert (503, "HTTPServiceUnavailable") == (status, document["NeutronError"]["type"])
    assert {"Retry-After": "1"} == headers


def test_who_is_known_stays_known_while_keystone_is_down(make: Make, peer: Identity) -> None:
    """Others get 503 until it is back; so does a pair of tokens of which one is not known."""
    door = make()
    assert "ann" == outcome(door, asked("member"))
    peer.stop()
    assert ["ann", 503, 503] == [outcome(door, one) for one in (asked("member"), asked("admin"), asked("member", "service"))]
    peer.start()
    assert ["ann", "root", "ann"] == [
        outcome(door, one) for one in (asked("member"), asked("admin"), asked("member", "service"))
    ]
    assert 1 == peer.asked["member"]


def test_while_keystone_hangs_one_request_waits_for_it(make: Make, peer: Identity) -> None:
    """The first that waited in vain knows that it is down; from then on the threads are not all spent on waiting."""
    door = make(http_connect_timeout=5)
    peer.fault = 500
    assert 503 == outcome(door, asked("member"))
    peer.fault = "hang"
    seen: list[str | int] = []
    waiting = threading.Thread(target=lambda: seen.append(outcome(door, asked("admin"))))
    waiting.start()
    until(lambda: peer.asked["admin"] == 1, "one waits")
    began = time.monotonic()
    assert [503] * 5 == [outcome(door, asked(f"other {number}")) for number in range(5)]
    assert time.monotonic() - began < 2.0
    assert not seen
    peer.fault = None
    peer.let_go.set()
    waiting.join()
    until(lambda: outcome(door, asked("member")) == "ann", "it is back")


def test_a_revoked_token_is_good_for_token_cache_time(make: Make, peer: Identity) -> None:
    """Not for longer, though another service token came with it meanwhile."""
    door = make(token_cache_time=1)
    began = time.monotonic()
    assert "ann" == outcome(door, asked("member"))
    del peer.tokens["member"]
    while outcome(door, asked("member", "service")) == "ann":
        assert time.monotonic() - began < 1.5
    assert 1.0 <= time.monotonic() - began
    assert [401, 401] == [outcome(door, asked("member")), outcome(door, asked("member", "service"))]


@pytest.mark.parametrize(("token", "service"), [("brief", ""), ("member", "brief")])
def test_what_expires_is_refused_at_once(make: Make, peer: Identity, token: str, service: str) -> None:
    """Whatever is left of the time that it is remembered."""
    door = make()
    peer.tokens["brief"] = described("ann", "service", project="p1", lasts_s=1.0)
    ends = time.monotonic() + 1.0
    while outcome(door, asked(token, service)) == "ann":
        assert time.monotonic() < ends + 0.5
    assert time.monotonic() >= ends - 0.01
    assert 401 == outcome(door, asked(token, service))


def test_without_a_cache_each_request_asks(make: Make, peer: Identity) -> None:
    """token_cache_time = -1."""
    door = make(token_cache_time=-1)
    assert ["ann"] * 3 == [outcome(door, asked("member")) for _ in range(3)]
    assert 3 == peer.asked["member"]


def test_many_with_one_token_ask_once(make: Make, peer: Identity) -> None:
    """Also on different paths; and a service's token is asked for once, whomever it speaks for."""
    door = make()
    seen: list[str | int] = []
    together = threading.Barrier(8)

    def one(number: int) -> None:
        together.wait()
        seen.append(outcome(door, asked(("member", "admin")[number % 2], "service", line=f"GET /v2.0/ports/{number}")))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {"ann": 4, "root": 4} == {user: seen.count(user) for user in ("ann", "root")}
    assert {"member": 1, "admin": 1, "service": 1} == dict(peer.asked)


def test_who_waits_for_another_hears_the_same(make: Make, peer: Identity) -> None:
    """Also that there is no such token."""
    door = make()
    peer.fault = "hang"
    seen: list[str | int] = []
    threads = [threading.Thread(target=lambda: seen.append(outcome(door, asked("member")))) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: peer.asked["member"] == 1, "somebody asks")
    peer.fault = None
    peer.let_go.set()
    for thread in threads:
        thread.join()
    assert "ann" in {*seen, outcome(door, asked("member"))}
    assert {"ann", 503} >= set(seen)


@pytest.fixture
def memcached() -> Iterator[str]:
    """A server of our own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-m", "16"]
    with subprocess.Popen(words) as process:
        try:
            until(lambda: _listens(port), "memcached answers")
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # python-memcached never closes a socket
@pytest.mark.parametrize("more", [{}, {"memcache_security_strategy": "ENCRYPT", "memcache_secret_key": "salt"}])
def test_servers_that_share_memcached_ask_once(make: Make, peer: Identity, memcached: str, more: dict[str, str]) -> None:
    """What one of them was told, all of them know; without memcached they ask again."""
    doors = [make(memcached_servers=memcached, **more) for _ in range(2)]
    assert ["ann", "ann"] == [outcome(door, asked("member")) for door in doors]
    assert 1 == peer.asked["member"]
    assert "ann" == outcome(make(memcached_servers="127.0.0.1:1"), asked("member"))
    assert 2 == peer.asked["member"]
    del doors
    gc.collect()


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not asked for longest goes first, and nothing is kept whose time is over."""
    monkeypatch.setattr(keystone, "REMEMBERED", 2)
    kept: keystone.Kept[str] = keystone.Kept()
    later = time.monotonic() + 60
    kept.put(b"over", "x", time.monotonic())
    kept.put(b"a", "a", later)
    kept.put(b"b", "b", later)
    assert ("a", later) == kept.get(b"a")
    kept.put(b"c", "c", later)
    assert [None, ("a", later), None, ("c", later)] == [kept.get(key) for key in (b"over", b"a", b"b", b"c")]


def test_a_known_caller_costs_little(make: Make) -> None:
    """Under 50 microseconds."""
    door, request = make(), asked("member", "service")
    assert min(timeit.repeat(lambda: door.caller(request, "req-1"), number=200, repeat=10)) / 200 < 50e-6


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"auth_type": None}, "auth_type"),
        ({"auth_type": "magic"}, "magic"),
        ({"auth_url": None}, "auth.url"),
        ({"token_cache_time": "soon"}, "soon"),
        ({"memcached_servers": "127.0.0.1:1", "memcache_tls_enabled": True}, "python-binary-memcached"),
    ],
)
def test_settings_that_cannot_work_are_refused(make: Make, options: dict[str, Any], reason: str) -> None:
    """At the start, with the reason."""
    with pytest.raises(WrongKeystoneSettings, match=reason):
        make(**options)
