"""Announcements are said again, and not for ever."""

from kaon.host.agent.repeats import AFTER_S, Repeats
from kaon.host.state.addresses import InterfaceAddress

ONE = InterfaceAddress("qrouter-1", "qg-1", "203.0.113.7/32", announced=True)


def test_an_announcement_is_said_again_at_its_times_and_then_never() -> None:
    """After half a second and after two; nothing is waiting then."""
    repeats = Repeats()
    repeats.made(10.0, [ONE])
    assert 10.0 + AFTER_S[0] == repeats.next_deadline()
    assert [] == repeats.due(10.4)
    assert [ONE] == repeats.due(10.5)
    assert [] == repeats.due(10.5)
    assert [ONE] == repeats.due(12.1)
    assert repeats.next_deadline() is None


def test_late_times_are_one() -> None:
    """Who comes late says it once, not once for each time that has passed."""
    repeats = Repeats()
    repeats.made(10.0, [ONE])
    assert [ONE] == repeats.due(20.0)
    assert [] == repeats.due(20.0)
