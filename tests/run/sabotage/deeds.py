# ruff: noqa: E501 - a table
"""Faults of the plan's execution: deeds that come late, early, in another order, twice, never or elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import trio

from harness.clock import sleep_until
from harness.deeds.acts import Deed, SetReach
from harness.device.words import Reach
from harness.history import DeedDone
from harness.run import nemesis
from harness.run.actuator import Actuator
from harness.run.nemesis import Nemesis
from harness.scenario.model import Plan
from tests.run.sabotage.gate import H0, H1, H3, H4
from tests.run.sabotage.row import Plant, Row, planted


def _goes_by(change: Callable[[Sequence[Deed]], Sequence[Deed]]) -> Plant:
    """The nemesis has another plan."""

    def wrap(init: Any) -> Any:
        def making(nemesis: Nemesis, plan: Plan, **options: Any) -> None:
            init(nemesis, msgspec.structs.replace(plan, deeds=tuple(change(plan.deeds))), **options)

        return making

    return planted(Nemesis, "__init__", wrap)


def _moved(place: int, by: float) -> Callable[[Sequence[Deed]], Sequence[Deed]]:
    def change(deeds: Sequence[Deed]) -> Sequence[Deed]:
        moved = [msgspec.structs.replace(deed, at=deed.at + by) if n == place else deed for n, deed in enumerate(deeds)]
        return sorted(moved, key=lambda deed: deed.at)

    return change


def _swapped(deeds: Sequence[Deed]) -> Sequence[Deed]:
    one, two, *rest = deeds
    return (msgspec.structs.replace(two, at=one.at), msgspec.structs.replace(one, at=two.at), *rest)


def _hands_are(change: Callable[[int, Any], Any], *, client: str = "") -> Plant:
    """Change what is done at the gates. ``change``: (count of earlier deeds at this gate, the doing) → what is done."""

    def wrap(at_gate: Any) -> Any:
        done: dict[str, int] = {}

        async def doing(actuator: Actuator, gate: Any, deed: Deed) -> Any:
            before = done[gate.client] = done.get(gate.client, -1) + 1
            if client and gate.client != client:
                return await at_gate(actuator, gate, deed)
            return await change(before, (lambda: at_gate(actuator, gate, deed), gate, deed))

        return doing

    return planted(Actuator, "at_gate", wrap)


def _said(gate: Any, deed: Deed) -> Mapping[str, str]:
    """Return what would be read back, were it done."""
    if isinstance(deed.act, SetReach):
        return {**gate.path_readback(deed.actor), "word": deed.act.word}
    return dict(gate.device_readback())


def _never(place: int) -> Callable[[int, Any], Any]:
    async def change(before: int, doing: Any) -> Any:
        do, gate, deed = doing
        return _said(gate, deed) if before == place else await do()

    return change


def _late_within(place: int, by: float) -> Callable[[int, Any], Any]:
    """The call itself takes so long."""

    async def change(before: int, doing: Any) -> Any:
        if before == place:
            await trio.sleep(by)
        return await doing[0]()

    return change


def _late_behind(place: int, by: float) -> Callable[[int, Any], Any]:
    """It is done so long after it was said to be."""

    async def change(before: int, doing: Any) -> Any:
        do, gate, deed = doing
        if before != place:
            return await do()
        due = trio.current_time() + by

        async def later() -> None:
            await sleep_until(due)
            await do()

        trio.lowlevel.spawn_system_task(later)
        return _said(gate, deed)

    return change


def _again(place: int, by: float) -> Callable[[int, Any], Any]:
    """It is done a second time, so much later, and no record says so."""

    async def change(before: int, doing: Any) -> Any:
        do = doing[0]
        if before == place:
            due = trio.current_time() + by

            async def later() -> None:
                await sleep_until(due)
                await do()

            trio.lowlevel.spawn_system_task(later)
        return await do()

    return change


def _another_word(word: Reach) -> Callable[[int, Any], Any]:
    async def change(before: int, doing: Any) -> Any:
        do, gate, deed = doing
        if isinstance(deed.act, SetReach) and deed.act.word is not Reach.UP:
            return {**await gate.reach(deed.actor, word), "word": deed.act.word}
        return await do()

    return change


def _elsewhere() -> Plant:
    """A path's word is said to the other path."""

    async def change(before: int, doing: Any) -> Any:
        do, gate, deed = doing
        if isinstance(deed.act, SetReach):
            other = {"wifi": "cellular", "cellular": "wifi"}[deed.actor]
            await gate.reach(other, deed.act.word, direction=deed.act.direction, once=deed.act.once)
            return _said(gate, deed)
        return await do()

    return _hands_are(change)


def _recorded(change: Callable[[DeedDone], None]) -> Plant:
    """Deeds are recorded otherwise than they were done."""

    def wrap(record: Any) -> Any:
        def made(**fields: Any) -> Any:
            one = record(**fields)
            change(one)
            return one

        return made

    return planted(nemesis, "DeedDone", wrap)


def _two_seconds_later(record: DeedDone) -> None:
    record.issued_ns += 2_000_000_000
    record.returned_ns += 2_000_000_000


WIFI, CELLULAR = "wifi", "cellular|joins"
ROWS = (
    Row("a deed comes two seconds late", "handoff", H4, "wifi silent.*late", _goes_by(_moved(0, 2.0))),
    Row("a deed comes 300 ms late", "handoff", H4, "wifi silent.*late", _goes_by(_moved(0, 0.3))),
    Row("a deed comes two seconds early", "handoff", H4, "wifi silent.*early", _goes_by(_moved(0, -2.0))),
    Row("the last deed comes two seconds late", "handoff", H4, "joins cellular.*late", _goes_by(_moved(2, 2.0))),
    Row("the end of a span comes two seconds late", "silent", H4, "wifi.*late", _goes_by(_moved(1, 2.0))),
    Row("the end of a span comes two seconds early", "silent", H4, "wifi.*early", _goes_by(_moved(1, -2.0))),
    Row("two deeds change places", "handoff", H4, "wifi", _goes_by(_swapped)),
    Row("the first deed never comes", "handoff", f"{H0}|{H3}", "wifi", _goes_by(lambda deeds: deeds[1:])),
    Row("the last deed never comes", "handoff", f"{H0}|{H3}", "joins cellular|cellular", _goes_by(lambda deeds: deeds[:-1])),
    Row("the end of a span never comes", "silent", f"{H0}|{H3}", WIFI, _goes_by(lambda deeds: deeds[:-1])),
    Row("a deed comes twice", "reset once", f"{H0}|{H1}|{H3}|{H4}", "wifi|deed", _goes_by(lambda deeds: (*deeds, msgspec.structs.replace(deeds[-1], at=6.0)))),
    Row("a deed takes two seconds", "handoff", f"{H0}|{H3}|{H4}", "wifi", _hands_are(_late_within(0, 2.0))),
    Row("a deed is done two seconds after it was said to be", "handoff", f"{H0}|{H3}", "wifi", _hands_are(_late_behind(0, 2.0))),
    Row("a signal's deed is done two seconds after it was said to be", "handoff", f"{H0}|{H3}", CELLULAR, _hands_are(_late_behind(2, 2.0))),
    Row("a deed is done half a second after it was said to be", "handoff", f"{H0}|{H3}", "wifi", _hands_are(_late_behind(0, 0.3))),
    Row("a word is only said", "handoff", f"{H0}|{H3}", "wifi", _hands_are(_never(0))),
    Row("a loss is only said", "handoff", f"{H0}|{H3}", "loses wifi|joins cellular|no path", _hands_are(_never(1))),
    Row("a joining is only said", "handoff", f"{H0}|{H3}", "joins cellular", _hands_are(_never(2))),
    Row("a striking is done twice", "reset once", f"{H0}|{H3}|{H4}", "wifi", _hands_are(_again(0, 3.0))),
    Row("a silence comes back", "silent", f"{H0}|{H3}", WIFI, _hands_are(_again(0, 8.0))),
    Row("silent is done as stalled", "silent", f"{H0}|{H3}", "wifi", _hands_are(_another_word(Reach.STALLED))),
    Row("stalled is done as silent", "stalled", f"{H0}|{H3}", "wifi", _hands_are(_another_word(Reach.SILENT))),
    Row("closed is done as reset", "closed", f"{H0}|{H3}", "wifi", _hands_are(_another_word(Reach.RESET))),
    Row("refused is done as unreachable", "refused", f"{H0}|{H3}", "wifi", _hands_are(_another_word(Reach.UNREACHABLE))),
    Row("a word is said to the other path", "silent", f"{H0}|{H3}", "wifi", _elsewhere()),
    Row("a word is said at two gates of three", "silent for three", f"{H0}|{H3}", "wifi|gate", _hands_are(_never(0), client="c2")),
    Row("a loss is said at two gates of three", "handoff of three", f"{H0}|{H3}", "wifi|gate", _hands_are(_never(1), client="c3")),
    Row("a joining is late at one gate of three", "handoff of three", f"{H0}|{H3}", "cellular|joins|gate", _hands_are(_late_behind(2, 2.0), client="c2")),
    Row("a deed's record says another instant", "handoff", f"{H1}|{H3}|{H4}", "deed", _recorded(_two_seconds_later)),
)  # fmt: skip
