"""Rules of security groups as text and as grants, addresses as elements, ports as anti-spoofing chains."""

import pytest

from filter_worlds import make_port, make_rule, new_id, pair
from kaon.host.compile.antispoof import spoof_rules
from kaon.host.compile.prefixes import elements_of, link_local
from kaon.host.compile.rules import grant_of, text_of
from kaon.wire.security_groups import Rule


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (make_rule(), "meta nfproto ipv4 accept"),
        (make_rule("egress", "IPv6"), "meta nfproto ipv6 accept"),
        (make_rule(protocol="tcp", port=22), "meta nfproto ipv4 meta l4proto 6 th dport 22 accept"),
        (
            make_rule(protocol="17", port_range_min=1, port_range_max=9),
            "meta nfproto ipv4 meta l4proto 17 th dport 1-9 accept",
        ),
        (make_rule(protocol="icmp", port_range_min=8), "meta nfproto ipv4 meta l4proto 1 icmp type 8 accept"),
        (
            make_rule(ethertype="IPv6", protocol="icmp", port_range_min=1, port_range_max=4),
            "meta nfproto ipv6 meta l4proto 58 icmpv6 type 1 icmpv6 code 4 accept",
        ),
        (make_rule(protocol="ip"), "meta nfproto ipv4 accept"),
        (make_rule(protocol="vrrp"), "meta nfproto ipv4 meta l4proto 112 accept"),
        (make_rule(remote_ip_prefix="10.0.0.0/8"), "meta nfproto ipv4 ip saddr 10.0.0.0/8 accept"),
        (make_rule(remote_ip_prefix="0.0.0.0/0"), "meta nfproto ipv4 accept"),
        (make_rule("egress", "IPv6", remote_ip_prefix="fd00::1/128"), "meta nfproto ipv6 ip6 daddr fd00::1 accept"),
        (make_rule(remote_group_id="g"), "meta nfproto ipv4 ip saddr @grp_g_v4 accept"),
        (make_rule("egress", "IPv6", remote_group_id="g"), "meta nfproto ipv6 ip6 daddr @grp_g_v6 accept"),
    ],
)
def test_a_rule_is_written_as_nft_reads_it(rule: Rule, text: str) -> None:
    """Family, remote end, protocol and header, each only where the rule speaks of it."""
    assert text_of(grant_of(rule)) == text


@pytest.mark.parametrize("protocol", ["nosuch", "256", "-1"])
def test_an_unknown_protocol_allows_nothing(protocol: str) -> None:
    """It is refused with its name, not taken for any."""
    with pytest.raises(ValueError, match=protocol):
        grant_of(make_rule(protocol=protocol))


def test_a_prefix_of_the_other_family_is_refused() -> None:
    """An IPv4 rule never opens an IPv6 prefix."""
    with pytest.raises(ValueError, match="is not IPv4"):
        grant_of(make_rule(remote_ip_prefix="fd00::/64"))


def test_covered_addresses_are_left_out_and_neighbours_stay_apart() -> None:
    """Nft takes no overlap; merging neighbours would make one member's leaving touch another's element."""
    assert elements_of(["10.0.0.2", "10.0.0.3", "10.1.0.0/16", "10.1.2.3", "fd00::1"], 4) == (
        "10.0.0.2",
        "10.0.0.3",
        "10.1.0.0/16",
    )


def test_everything_is_two_halves() -> None:
    """A set takes no prefix of length zero."""
    assert elements_of(["::/0", "fd00::1"], 6) == ("::/1", "8000::/1")


def test_a_link_local_address_comes_from_the_mac() -> None:
    """RFC 4291, appendix A."""
    assert link_local("fa:16:3e:00:01:02") == "fe80::f816:3eff:fe00:102"


def test_a_pair_with_a_mac_of_its_own_is_tied_to_it() -> None:
    """The further address is good with the further MAC only."""
    port = make_port(new_id(), 5)
    fields = {name: getattr(port, name) for name in port.__struct_fields__}
    rules = spoof_rules(type(port)(**fields | {"allowed_address_pairs": (pair("10.0.0.9", "fa:16:3e:00:00:99"),)}))
    assert "ether saddr fa:16:3e:00:00:99 ip saddr 10.0.0.9 return" in rules
    assert "ether saddr fa:16:3e:00:00:05 ip saddr 10.0.0.5 return" in rules
    assert rules[0] == "ether saddr != { fa:16:3e:00:00:05, fa:16:3e:00:00:99 } drop"
    assert rules[-1] == "drop"
