"""The loop: when it works, told by a clock of the test's own."""

from kaon.host.agent.loop import EVERYTHING, Loop, LoopSettings, Slice, Supervise, Work
from kaon.host.state.trouble import Trouble

SETTINGS = LoopSettings(
    drift_interval_s=60.0, supervise_interval_s=2.0, retry_first_s=0.5, retry_longest_s=8.0, offline_after_s=20.0
)


def loop(*, rebooted: bool = False, saved: bool = False) -> Loop:
    """Make a loop that begins at 0."""
    return Loop(SETTINGS, 0.0, rebooted=rebooted, saved=saved)


def awake() -> Loop:
    """Make a loop that has done its first work at 0."""
    made = loop()
    made.in_sync(0.0)
    assert [action for action in made.tick(0.0) if isinstance(action, Work)] == [Work(EVERYTHING)]
    made.finished(0.0, [], complete_look=True)
    return made


def works(made: Loop, now: float) -> list[Work]:
    """Tick, and give the pieces of work."""
    return [action for action in made.tick(now) if isinstance(action, Work)]


def test_nothing_is_written_before_in_sync() -> None:
    """Whatever happens, there is no work before the picture is the server's."""
    made = loop(rebooted=True)
    made.desired_changed(0.0)
    made.devices_changed(0.0, ["tap1"])
    made.daemons_died(0.0, {Slice.DHCP})
    assert made.tick(1000.0) == []
    assert made.next_deadline(1000.0) is None


def test_first_work_looks_at_everything() -> None:
    """In sync for the first time: the host is looked at as a whole, once."""
    made = awake()
    assert works(made, 0.1) == []


def test_change_is_worked_on_from_memory() -> None:
    """A changed scope is no reason to look at the host; it waits a moment for its fellows, and no longer for more of them."""
    made = awake()
    made.desired_changed(1.0)
    assert made.next_deadline(1.0) == 1.005
    assert works(made, 1.004) == []
    made.desired_changed(1.004)
    assert works(made, 1.005) == [Work(frozenset())]
    made.finished(1.01, [], complete_look=False)
    assert works(made, 1.1) == []


def test_reasons_are_gathered() -> None:
    """All that came up meanwhile is one piece of work."""
    made = awake()
    made.desired_changed(1.0)
    made.devices_changed(1.0, ["tap1"])
    made.daemons_died(1.0, {Slice.DHCP})
    assert works(made, 1.0) == [Work(frozenset({Slice.LINKS, Slice.DHCP}))]


def test_no_news_is_no_work() -> None:
    """Descriptors that were readable for nothing, and daemons that all live, are no reason."""
    made = awake()
    made.devices_changed(1.0, [])
    made.daemons_died(1.0, frozenset())
    assert works(made, 1.0) == []


def test_missed_events_are_a_reason_to_look() -> None:
    """An empty name says that events were missed."""
    made = awake()
    made.devices_changed(1.0, [""])
    assert works(made, 1.0) == [Work(frozenset({Slice.LINKS}))]


def test_drift_is_looked_for_in_time() -> None:
    """After the interval everything is looked at, and the interval begins anew."""
    made = awake()
    assert works(made, 59.9) == []
    assert works(made, 60.0) == [Work(EVERYTHING)]
    made.finished(60.0, [], complete_look=True)
    assert works(made, 119.9) == []
    assert works(made, 120.0) == [Work(EVERYTHING)]


def test_failure_is_tried_again_ever_later() -> None:
    """Pauses double up to the longest, and everything is looked at before each further try."""
    made = awake()
    now, pauses = 1.0, []
    made.finished(now, [Trouble("port/a", "busy")], complete_look=False)
    for _ in range(6):
        deadline = min(60.0, *(made.next_deadline(now) or 0.0 for _ in range(1)))
        while not works(made, deadline):
            deadline = made.next_deadline(deadline + 0.001) or 0.0
        pauses.append(round(deadline - now, 3))
        now = deadline
        made.finished(now, [Trouble("port/a", "busy")], complete_look=True)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


def test_owner_without_trouble_begins_anew() -> None:
    """Back-off belongs to an owner: success ends it."""
    made = awake()
    made.finished(1.0, [Trouble("port/a", "busy")], complete_look=False)
    made.finished(1.5, [Trouble("port/a", "busy")], complete_look=False)
    made.finished(2.0, [], complete_look=False)
    made.finished(3.0, [Trouble("port/a", "busy")], complete_look=False)
    assert works(made, 3.4) == []
    assert works(made, 3.5) == [Work(EVERYTHING)]


def test_what_others_hold_waits_for_the_drift_check() -> None:
    """A trouble that time alone does not mend is not tried again soon."""
    made = awake()
    made.finished(1.0, [Trouble("port/a", "taken", transient=False)], complete_look=False)
    assert works(made, 59.0) == []
    assert works(made, 60.0) == [Work(EVERYTHING)]


def test_daemons_are_asked_after() -> None:
    """While awake it is asked whether the daemons live, every interval."""
    made = awake()
    assert made.tick(1.9) == []
    assert made.tick(2.0) == [Supervise()]
    assert made.tick(3.9) == []
    assert made.tick(4.0) == [Supervise()]


def test_rebooted_host_without_server_takes_what_was_saved() -> None:
    """After the pause the saved picture is applied, stale; when the server speaks, its own."""
    made = loop(rebooted=True, saved=True)
    assert made.next_deadline(0.0) == 20.0
    assert works(made, 19.9) == []
    assert works(made, 20.0) == [Work(EVERYTHING, stale=True)]
    made.finished(20.0, [], complete_look=True)
    assert made.stale
    made.in_sync(30.0)
    assert works(made, 30.0) == [Work(EVERYTHING)]
    assert not made.stale


def test_running_host_without_server_is_left_alone() -> None:
    """Only the agent was restarted: the kernel has what it needs."""
    assert works(loop(rebooted=False, saved=True), 1000.0) == []


def test_server_that_answers_is_waited_for() -> None:
    """A server that speaks is about to say more: the saved picture waits."""
    made = loop(rebooted=True, saved=True)
    made.server_heard(19.0)
    assert works(made, 25.0) == []
    assert works(made, 39.0) == [Work(EVERYTHING, stale=True)]


def test_out_of_sync_ends_all_work() -> None:
    """When what was held is worth nothing, nothing is written until the next picture."""
    made = awake()
    made.desired_changed(1.0)
    made.out_of_sync()
    assert made.tick(100.0) == []
    made.in_sync(101.0)
    assert works(made, 101.0) == [Work(EVERYTHING)]
