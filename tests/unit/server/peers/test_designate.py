"""What Designate is asked, and what is made of its answers, against a real HTTP server."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from http_peers import CLOSE, HANG, Designate
from kaon.server.peers import designate
from kaon.server.peers.courier import Verdict
from kaon.server.peers.http import Peer, PeerUnavailable
from kaon.server.peers.settings import DesignateSettings, PeerSettings
from kaon.server.store.outbox import Message

NOW = datetime(2026, 1, 1)  # noqa: DTZ001  # the tables keep UTC without zone
PTR_ZONE = "113.0.203.in-addr.arpa."
PTR = "5.113.0.203.in-addr.arpa."
WWW = ("example.org.", "www.example.org.", "A")
BACK = (PTR_ZONE, PTR, "PTR")


@pytest.fixture
def service() -> Iterator[Designate]:
    """A Designate where project p1 has example.org."""
    peer = Designate(example_org_="p1")
    with peer.running():
        yield peer


def told(do: str, *addresses: str, name: str = "www", project: str = "p1") -> Message:
    """Make a message."""
    body = {"do": do, "name": f"{name}.example.org.", "zone": "example.org.", "project_id": project}
    return Message(1, body["name"], body | {"addresses": list(addresses or ["203.0.113.5"])}, 0, NOW)


def tell(service: Designate, message: Message, **options: Any) -> Verdict:
    """Tell one message."""
    peer = PeerSettings("none", {"endpoint": service.url}, timeout_s=0.3 if service.faults else 5.0)
    settings = DesignateSettings(peer, **options)
    return designate.sender(Peer(peer, "dns"), settings)([message])[1]


def test_a_name_is_published_and_withdrawn(service: Designate) -> None:
    """With its addresses' names, in a zone that is made for them; twice makes no difference."""
    for _ in range(2):
        assert Verdict.TOLD is tell(service, told("publish"))
        assert {WWW: ["203.0.113.5"], BACK: ["www.example.org."]} == service.records
    assert "service" == service.zones[PTR_ZONE]
    for _ in range(2):
        assert Verdict.TOLD is tell(service, told("withdraw"))
        assert {} == service.records


def test_each_kind_of_address_has_its_recordset(service: Designate) -> None:
    """Addresses of both families under one name; without names of addresses where the operator wants none."""
    message = told("publish", "203.0.113.5", "203.0.113.6", "2001:db8::5")
    assert Verdict.TOLD is tell(service, message, allow_reverse_dns_lookup=False)
    both = {WWW: ["203.0.113.5", "203.0.113.6"], (*WWW[:2], "AAAA"): ["2001:db8::5"]}
    assert both == service.records


def test_nobody_publishes_in_a_zone_of_others(service: Designate) -> None:
    """Nor withdraws there."""
    assert Verdict.DROPPED is tell(service, told("publish", project="p2"))
    assert {} == service.records
    tell(service, told("publish"), allow_reverse_dns_lookup=False)
    tell(service, told("withdraw", project="p2"))
    assert {WWW: ["203.0.113.5"]} == service.records


def test_what_others_published_stays(service: Designate) -> None:
    """A name that is taken is not published; withdrawing it later leaves what is there."""
    service.records[WWW] = ["198.51.100.1"]
    assert Verdict.DROPPED is tell(service, told("publish"))
    assert Verdict.TOLD is tell(service, told("withdraw"))
    assert {WWW: ["198.51.100.1"]} == service.records


@pytest.mark.parametrize(
    ("address", "options", "expected"),
    [
        ("203.0.113.5", {}, (PTR, PTR_ZONE)),
        ("203.0.113.5", {"ipv4_ptr_zone_prefix_size": 16}, (PTR, "0.203.in-addr.arpa.")),
        ("203.0.113.5", {"ipv4_ptr_zone_prefix_size": 8}, (PTR, "203.in-addr.arpa.")),
        ("2001:db8::5", {"ipv6_ptr_zone_prefix_size": 64}, ("5" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa.", None)),
    ],
)
def test_names_of_addresses(address: str, options: dict[str, int], expected: tuple[str, str | None]) -> None:
    """Backwards, in a zone of as many bits as the operator says."""
    name, zone = designate.reverse(address, DesignateSettings(PeerSettings("none"), **options))
    assert expected[0] == name
    assert (expected[1] or "0" + ".0" * 7 + ".8.b.d.0.1.0.0.2.ip6.arpa.") == zone


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ((500, {}), Verdict.LATER),
        ((403, {}), Verdict.LATER),
        ((200, b"<html>"), Verdict.LATER),
        ((400, {}), Verdict.DROPPED),
        ((413, {"type": "over_quota"}), Verdict.DROPPED),
    ],
)
def test_refusals(service: Designate, fault: Any, expected: Verdict) -> None:
    """For the time being, or for good: each concerns the one name."""
    service.faults.append(fault)
    assert expected is tell(service, told("publish"))


@pytest.mark.parametrize("fault", [CLOSE, HANG])
def test_a_designate_that_is_not_reached(service: Designate, fault: str) -> None:
    """Everything waits."""
    service.faults.extend([fault] * 3)
    with pytest.raises(PeerUnavailable):
        tell(service, told("publish"))
