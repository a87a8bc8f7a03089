"""Any order, any loss, any crash: in the end every host shows what the database says, and never part of a picture."""

import pytest

from kaon.bus.live import Load
from kaon.wire import scopes
from kaon.wire.security_groups import SecurityGroup
from sim.world import Agent, Weather, World

FINE = Weather()
STORM = Weather(loss=0.2, doubling=0.2, delay_s=1.5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weather", [FINE, STORM], ids=["fine", "storm"])
def test_hosts_show_what_the_database_says(seed: int, weather: Weather) -> None:
    """Sixty hosts start while the database changes; when the changes end, all of them agree with it."""
    world = World(seed, hosts=60, networks=12, weather=weather)
    for _ in range(120):
        world.change()
        world.run(0.2)
    world.weather = weather
    world.run_until(world.converged, within_s=300.0)


def test_hundreds_of_hosts() -> None:
    """Three hundred hosts at once, with losses: all of them agree."""
    world = World(7, hosts=300, networks=40, weather=Weather(loss=0.05, doubling=0.05, delay_s=0.5))
    world.change(400)
    world.run_until(world.converged, within_s=300.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_is_killed_again_and_again(seed: int) -> None:
    """The server dies and comes back while things change; hosts keep what they show and agree in the end."""
    world = World(seed, hosts=40, networks=8, weather=Weather(loss=0.1, doubling=0.1, delay_s=0.3))
    world.change(60)
    world.run_until(world.converged, within_s=200.0)
    for _ in range(4):
        world.kill_server()
        world.change(10)
        world.run(world.random.uniform(0.1, 60.0))
        assert all(one.session.in_sync for one in world.agents)
        world.start_server()
        world.reconnect_all()
        world.run(world.random.uniform(0.1, 5.0))
    world.run_until(world.converged, within_s=300.0)
    assert all(one.out_of_sync == 0 for one in world.agents)


def test_lost_pokes_and_rows_cost_time_only() -> None:
    """Nobody looks into the journal at all: what hosts follow is read anew from time to time, and that finds everything."""
    world = World(3, hosts=20, networks=5)
    world.run_until(world.converged, within_s=60.0)
    for _ in range(30):
        world.database.change()
    world.run_until(world.converged, within_s=90.0)


def test_a_quiet_world_costs_nothing_but_heartbeats() -> None:
    """Reconnecting hosts that lack nothing are sent no scopes."""
    world = World(5, hosts=30, networks=6)
    world.change(50)
    world.run_until(world.converged, within_s=60.0)
    world.run(10.0)
    sent: list[object] = []
    loads = world.database.load
    world.database.load = lambda load: (sent.append(load), loads(load))[1]  # type: ignore[method-assign]
    world.kill_server()
    world.start_server()
    world.reconnect_all()
    world.run(60.0)
    assert world.converged()
    assert sent == []


def test_a_second_instance_is_refused_while_the_first_answers() -> None:
    """Two agents of one host: the second is refused as long as the first is there, and accepted when it is gone."""
    world = World(1, hosts=3, networks=2)
    world.run_until(world.converged, within_s=60.0)
    first = world.agents[0]
    second = Agent(world, first.host, "second")
    world.agents.append(second)
    world.run(60.0)
    assert second.refusals
    assert not second.session.joined
    assert first.session.joined
    first.kill()
    world.run_until(lambda: world.right(second), within_s=30.0)


def test_a_silent_first_instance_gives_way() -> None:
    """An agent that no longer answers, though its connection stands, is replaced after the time a probe may take."""
    world = World(1, hosts=3, networks=2)
    world.run_until(world.converged, within_s=60.0)
    first = world.agents[0]
    first.alive = False
    second = Agent(world, first.host, "second")
    world.agents.append(second)
    took = world.run_until(lambda: world.right(second), within_s=30.0)
    assert took >= world.times.probe_s
    assert "instance is silent, another takes over" in world.notes


@pytest.mark.parametrize("seed", range(2))
def test_agents_that_restart_from_what_they_saved(seed: int) -> None:
    """Agents die and come back with an old saved picture; it is shown, but only what the server confirms is in sync."""
    world = World(seed, hosts=20, networks=5, weather=Weather(loss=0.1, delay_s=0.3))
    world.change(40)
    world.run_until(world.converged, within_s=120.0)
    world.run(10.0)
    for one in list(world.agents[:10]):
        one.kill()
    world.change(20)
    world.run(5.0)
    for one in world.agents[:10]:
        again = Agent(world, one.host, f"{one.host}-2", saved=one.saved)
        assert again.session.holds_state()
        assert not again.session.in_sync
        world.agents.append(again)
    world.run_until(world.converged, within_s=120.0)


def test_another_database_makes_everything_worthless() -> None:
    """When the epoch changes, agents forget what they hold, say that they are out of sync, and learn anew."""
    world = World(2, hosts=10, networks=3)
    world.change(20)
    world.run_until(world.converged, within_s=60.0)
    world.kill_server()
    world.database.epoch = "epoch-2"
    for scope in world.database.scopes.values():
        scope.revision = 1
        scope.journal.clear()
    world.database.applied.clear()
    world.start_server()
    world.reconnect_all()
    world.run_until(world.converged, within_s=60.0)
    assert all(one.out_of_sync == 1 for one in world.agents)


def test_a_database_that_was_put_back_wins() -> None:
    """Revisions lower than those held, of the same epoch, are believed when the server insists."""
    world = World(2, hosts=10, networks=3)
    world.change(30)
    world.run_until(world.converged, within_s=60.0)
    world.kill_server()
    for scope in world.database.scopes.values():
        scope.revision = max(1, scope.revision - 2)
        scope.journal.clear()
    world.database.applied.clear()
    world.start_server()
    world.reconnect_all()
    world.run_until(lambda: all(world.right(one) or _same(world, one) for one in world.agents), within_s=120.0)


def _same(world: World, one: Agent) -> bool:
    return one.session.revisions() == world.database.follows(one.host)


def test_work_follows_changes_and_followers() -> None:
    """Three hundred hosts: a change of a scope is read and encoded once for all who follow it, and nobody else is told."""
    world = World(11, hosts=300, networks=10)
    world.change(600)
    world.run_until(world.converged, within_s=120.0)
    read: dict[str, int] = {}
    load = world.database.load

    def counted(asked: Load) -> tuple[int, bytes | None]:
        read[asked.scope] = read.get(asked.scope, 0) + 1
        return load(asked)

    world.database.load = counted  # type: ignore[method-assign]
    group = scopes.group("n1")
    followers = sum(group in world.database.follows(host) for host in world.database.hosts)
    before = world.told
    world.database.put(group, SecurityGroup(id="n1"))
    world.look({group: world.database.scopes[group].revision})
    world.run_until(world.converged, within_s=60.0)
    assert followers > 10
    assert read == {group: 1}
    assert world.told - before == followers
