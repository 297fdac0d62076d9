import trio

from harness.jobserver.alarms import Alarms


class Sleeper:
    """Notes when its alarms are gone; those of ``void`` do not matter to it."""

    def __init__(self, name: str, gone: list[tuple[str, float, float]], void: tuple[float, ...] = ()) -> None:
        self.name, self.gone, self.void = name, gone, void

    def wants(self, at: float) -> bool:
        return at not in self.void

    def ring(self, at: float) -> None:
        self.gone.append((self.name, at, trio.current_time()))


def rung(*alarms: tuple[float, str], void: tuple[float, ...] = (), until: float = 100.0):
    """Set these alarms at 0 s; return (name, instant set for, instant gone)."""
    gone: list[tuple[str, float, float]] = []

    async def main() -> None:
        clock, start = Alarms(), trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clock.run)
            await trio.testing.wait_all_tasks_blocked()
            for at, name in alarms:
                clock.set(start + at, Sleeper(name, gone, tuple(start + instant for instant in void)))
            await trio.sleep_until(start + until)
            nursery.cancel_scope.cancel()
        gone[:] = [(name, at - start, now - start) for name, at, now in gone]

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return gone


def test_alarms_ring_at_their_instants_in_whatever_order_they_were_set():
    assert rung((5.0, "b"), (3.0, "a"), (7.0, "c")) == [("a", 3.0, 3.0), ("b", 5.0, 5.0), ("c", 7.0, 7.0)]


def test_alarms_of_one_instant_ring_in_the_order_in_which_they_were_set():
    assert [name for name, _, _ in rung((3.0, "b"), (3.0, "a"), (3.0, "c"))] == ["b", "a", "c"]


def test_alarm_that_does_not_matter_at_present_is_gone_once_it_is_the_next_and_its_owner_is_told():
    assert rung((3.0, "a"), (50.0, "b"), (60.0, "c"), void=(50.0,)) == [
        ("a", 3.0, 3.0),
        ("b", 50.0, 3.0),
        ("c", 60.0, 60.0),
    ]


def test_alarm_that_matters_waits_for_its_instant():
    assert rung((5.0, "a"), until=4.9) == []


def test_who_sets_the_next_alarm_as_one_rings_is_rung_again():
    times = []

    class Steady(Sleeper):
        def ring(self, at: float) -> None:
            times.append(trio.current_time() - start)
            clock.set(at + 2.0, self)

    async def main() -> None:
        nonlocal start
        start = trio.current_time()
        clock.set(start + 2.0, Steady("a", []))
        with trio.move_on_after(9):
            await clock.run()

    start, clock = 0.0, Alarms()
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert times == [2.0, 4.0, 6.0, 8.0]
