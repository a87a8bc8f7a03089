"""Values of requests: what is kept and what is refused."""

from typing import Any

import pytest

from kaon.model import addresses, checks, routers
from kaon.model.checks import Check, Unfit
from kaon.model.errors import AllowedAddressPairsMissingIP, DuplicateAddressPairInRequest, InvalidCIDR, InvalidInput, Refused
from kaon.model.ports import PORT
from kaon.model.security_group_rules import ethertype, port_value, protocol, protocol_number

ID = "7d3a1d8c-3f0e-4bd7-9c8d-1f4b5f1f2a11"


@pytest.mark.parametrize(
    ("check", "sent", "kept"),
    [
        (checks.text(255), "x" * 255, "x" * 255),
        (checks.text(255), "", ""),
        (checks.boolean, "TRUE", True),
        (checks.boolean, 0, False),
        (checks.boolean, "f", False),
        (checks.boolean, "1", True),
        (checks.integer, "42", 42),
        (checks.integer, 42.0, 42),
        (checks.number_of(4, 6), "4", 4),
        (checks.optional(checks.uuid), None, None),
        (checks.uuid, ID.upper(), ID),
        (checks.or_empty(checks.uuids), None, []),
        (checks.uuids, [ID], [ID]),
        (checks.dictionary, None, {}),
        (checks.dictionary, {"a": [1]}, {"a": [1]}),
        (addresses.mac, "FA163E000001", "fa:16:3e:00:00:01"),
        (addresses.mac, "fa-16-3E-0-0-1", "fa:16:3e:00:00:01"),
        (addresses.mac, "fa16.3e00.0001", "fa:16:3e:00:00:01"),
        (addresses.ip, "2001:DB8:0::1", "2001:db8::1"),
        (addresses.cidr, "10.0.0.7/24", "10.0.0.0/24"),
        (addresses.cidr, "2001:DB8::7/64", "2001:db8::/64"),
        (addresses.ip_prefix, "10.0.0.7", "10.0.0.7/32"),
        (addresses.ip_prefix, "10.0.0.7/24", "10.0.0.7/24"),
        (addresses.ip_prefix, "2001:db8::1", "2001:db8::1/128"),
        (addresses.ip_prefix, None, None),
        (addresses.pools, [{"start": "10.0.0.2", "end": "10.0.0.9"}], [{"start": "10.0.0.2", "end": "10.0.0.9"}]),
        (addresses.nameservers, ["8.8.8.8", "2001:DB8::1"], ["8.8.8.8", "2001:db8::1"]),
        (
            addresses.routes,
            [{"destination": "10.1.0.0/16", "nexthop": "10.0.0.1"}],
            [{"destination": "10.1.0.0/16", "nexthop": "10.0.0.1"}],
        ),
        (addresses.fixed_ips, [], []),
        (addresses.fixed_ips, [{"subnet_id": ID}, {"subnet_id": ID}], [{"subnet_id": ID}, {"subnet_id": ID}]),
        (addresses.fixed_ips, [{"ip_address": "2001:DB8::1"}], [{"ip_address": "2001:db8::1"}]),
        (addresses.address_pairs, [{"ip_address": "10.0.0.0/24"}], [{"ip_address": "10.0.0.0/24"}]),
        (
            addresses.address_pairs,
            [{"ip_address": "10.0.0.5", "mac_address": "FA163E000001"}],
            [{"ip_address": "10.0.0.5", "mac_address": "fa:16:3e:00:00:01"}],
        ),
        (protocol, "TCP", "tcp"),
        (protocol, 6, "6"),
        (protocol, "any", None),
        (protocol, "icmpv6", "icmpv6"),
        (protocol, "0", "0"),
        (port_value, "443", 443),
        (port_value, None, None),
        (ethertype, "ipv6", "IPv6"),
        (routers.gateway, {}, None),
        (routers.gateway, None, None),
        (routers.gateway, {"network_id": ID, "enable_snat": "false"}, {"network_id": ID, "enable_snat": False}),
        (PORT.by_name["binding:host_id"].kept, None, ""),
    ],
)
def test_a_value_is_kept_in_its_canonical_form(check: Check, sent: Any, kept: Any) -> None:
    """Whatever spelling a client uses, one spelling is kept."""
    assert kept == check(sent)


@pytest.mark.parametrize(
    ("check", "sent", "refusal"),
    [
        (checks.text(255), "x" * 256, Unfit),
        (checks.text(255), 7, Unfit),
        (checks.text(255), None, Unfit),
        (checks.text(255), "a\x00b", Unfit),
        (checks.text(255), "\ud800", Unfit),
        (checks.boolean, "maybe", InvalidInput),
        (checks.boolean, None, InvalidInput),
        (checks.boolean, [], InvalidInput),
        (checks.integer, True, InvalidInput),
        (checks.integer, "4.5", InvalidInput),
        (checks.integer, 4.5, InvalidInput),
        (checks.integer, {}, InvalidInput),
        (checks.number_of(4, 6), 5, Unfit),
        (checks.one_of("a", None), "b", Unfit),
        (checks.one_of(1), True, Unfit),
        (checks.one_of("a"), ["a"], Unfit),
        (checks.uuid, "abc", Unfit),
        (checks.uuid, f"{ID}\n", Unfit),
        (checks.uuids, [ID, ID.upper()], Unfit),
        (checks.uuids, "abc", Unfit),
        (checks.dictionary, [], Unfit),
        (checks.dictionary, {"a": "x" * 5000}, Unfit),
        (addresses.mac, "fa:16:3e:00:00", Unfit),
        (addresses.mac, "00:00:00:00:00:00", Unfit),
        (addresses.mac, 5, Unfit),
        (addresses.ip, "10.0.0.256", Unfit),
        (addresses.ip, "fe80::1%eth0", Unfit),
        (addresses.ip, 5, Unfit),
        (addresses.cidr, "10.0.0.0", Unfit),
        (addresses.cidr, "10.0.0.0/33", Unfit),
        (addresses.ip_prefix, "10.0.0.0/33", InvalidCIDR),
        (addresses.ip_prefix, 7, InvalidCIDR),
        (addresses.pools, None, InvalidInput),
        (addresses.routes, [{"destination": "10.1.0.5/16", "nexthop": "10.0.0.1"}], Unfit),
        (addresses.mac, "ff:ff:ff:ff:ff:ff", Unfit),
        (addresses.pools, [{"start": "10.0.0.2"}], Unfit),
        (addresses.pools, [{"start": "10.0.0.2", "end": "10.0.0.9", "more": 1}], Unfit),
        (addresses.nameservers, ["8.8.8.8", "8.8.8.8"], Unfit),
        (addresses.nameservers, ["dns.example"], Unfit),
        (addresses.routes, [{"destination": "10.0.0.0/24"}], Unfit),
        (addresses.routes, [{"destination": "10.1.0.0/16", "nexthop": "10.0.0.1"}] * 2, Unfit),
        (addresses.fixed_ips, [{}], InvalidInput),
        (addresses.fixed_ips, [{"ip_address": "10.0.0.5"}] * 2, Unfit),
        (addresses.fixed_ips, {"ip_address": "10.0.0.5"}, Unfit),
        (addresses.fixed_ips, None, Unfit),
        (addresses.address_pairs, [{"mac_address": "fa:16:3e:00:00:01"}], AllowedAddressPairsMissingIP),
        (addresses.address_pairs, [{"ip_address": "10.0.0.5"}] * 2, DuplicateAddressPairInRequest),
        (protocol, "nonsense", Refused),
        (protocol, 256, Refused),
        (protocol, -1, Refused),
        (protocol, True, Refused),
        (port_value, 65536, Refused),
        (port_value, "x", Refused),
        (ethertype, "ipv5", Refused),
        (ethertype, None, Refused),
        (routers.gateway, {"enable_snat": True}, Unfit),
        (routers.gateway, {"network_id": ID, "more": 1}, Unfit),
    ],
)
def test_a_wrong_value_is_refused(check: Check, sent: Any, refusal: type[Exception]) -> None:
    """What cannot be right never reaches control."""
    with pytest.raises(refusal):
        check(sent)


def test_two_names_of_a_protocol_have_one_number() -> None:
    """Aliases can be told to be the same rule."""
    assert protocol_number("icmpv6") == protocol_number("ipv6-icmp") == protocol_number("58") == 58
    assert protocol_number(None) is None


def test_a_refusal_quotes_no_more_than_a_little() -> None:
    """A megabyte of nonsense does not come back as a megabyte."""
    assert len(checks.shown("x" * 1_000_000)) < 100
