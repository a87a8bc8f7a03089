"""Laws of the DHCP slice, on the fake: planning after applying is empty; lines are read back as they were written."""

from hypothesis import given
from hypothesis import strategies as st

from kaon.host.kernel.dnsmasq_fake import FakeDnsmasq
from kaon.host.plan.dhcp import plan_dhcp
from kaon.host.state.dhcp import DhcpHost, DhcpOption, DhcpRange, DhcpServer, DhcpState

macs = st.sampled_from([f"fa:16:3e:00:00:0{digit}" for digit in range(4)])
v4 = st.sampled_from([f"10.0.0.{number}" for number in range(2, 6)])
v6 = st.sampled_from([f"fd00::{number}" for number in range(2, 6)])
addresses = st.one_of(st.just(()), st.tuples(v4), st.lists(v6, unique=True, max_size=2).map(tuple))
hosts = st.builds(DhcpHost, macs, addresses, st.sampled_from(["", "host-10-0-0-5"]), st.sampled_from(["", "port-5"]))
options = st.builds(
    DhcpOption, st.sampled_from(["", "subnet-a"]), st.sampled_from(["option:router", "option6:dns-server", "249"]),
    st.sampled_from(["", "10.0.0.1", "[fd00::1],[fd00::2]", "10.0.0.0/8,10.0.0.1"]),
)  # fmt: skip
ranges = st.one_of(
    st.builds(DhcpRange, st.just("a"), st.just("10.0.0.0"), st.just("255.255.255.0"), st.integers(120, 999)),
    st.builds(DhcpRange, st.just("b"), st.just("fd00::"), st.just("64"), st.integers(120, 999)),
)


@st.composite
def states(draw: st.DrawFn) -> DhcpState:
    """Up to three networks."""
    servers = {}
    for network_id in draw(st.sets(st.sampled_from("abc"))):
        servers[network_id] = DhcpServer(
            network_id=network_id,
            namespace=f"qdhcp-{network_id}",
            ranges=tuple(sorted(draw(st.sets(ranges, min_size=1, max_size=2)))),
            hosts=tuple(sorted(draw(st.sets(hosts, max_size=3)))),
            options=tuple(sorted(draw(st.sets(options, max_size=3)))),
            owner=f"dhcp/{network_id}",
        )
    return DhcpState(servers)


@given(hosts)
def test_hosts_are_read_back(host: DhcpHost) -> None:
    """A reservation survives its line."""
    assert DhcpHost.parse(host.line) == host


@given(options)
def test_options_are_read_back(option: DhcpOption) -> None:
    """An option survives its line."""
    assert DhcpOption.parse(option.line) == option


@given(ranges)
def test_ranges_are_read_back(served: DhcpRange) -> None:
    """A range survives its line."""
    assert DhcpRange.parse(served.line) == served


@given(st.lists(states(), min_size=1, max_size=4), st.data())
def test_planning_again_is_empty(stories: list[DhcpState], data: st.DataObject) -> None:
    """From whatever was before, with leases taken and processes killed in between, one plan is enough."""
    door = FakeDnsmasq()
    for desired in stories:
        for network_id in tuple(door.servers):
            if data.draw(st.booleans()):
                door.lease(network_id, data.draw(st.one_of(v4, v6)), data.draw(macs))
            if data.draw(st.booleans()):
                door.kill(network_id)
        assert door.apply(plan_dhcp(desired, door.observe())) == []
        assert door.observe() == desired
        assert not plan_dhcp(desired, door.observe())
