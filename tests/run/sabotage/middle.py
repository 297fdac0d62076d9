# ruff: noqa: E501 - a table
"""Faults of the boxes on the way: whom they answer, how often and with what, and what they do to streams."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio

from harness.deeds.acts import Answers, KillsIdle, MutesStreams, ResetsStreams
from harness.middle import acts_in_force, stage, streaming
from harness.middle.acts_in_force import ActInForce
from harness.middle.middle import Middle
from harness.middle.stage import HttpStage
from harness.middle.streaming import PassingBody, StreamBody
from harness.network.ends import How
from harness.network.gate import CANARY
from tests.run.sabotage.gate import H0, H1, H3
from tests.run.sabotage.row import Once, Plant, Row, around, planted


def _answers_nobody(patch: pytest.MonkeyPatch) -> None:
    around(patch, stage, "for_request", lambda _: lambda *__: None)


def _answers_no_client(patch: pytest.MonkeyPatch) -> None:
    def wrap(for_request: Any) -> Any:
        return lambda forces, what, client, gates: (
            for_request(forces, what, client, gates) if client == CANARY else None
        )

    around(patch, stage, "for_request", wrap)


def _answers_everybody(patch: pytest.MonkeyPatch) -> None:
    around(patch, acts_in_force, "answers", lambda _: lambda act, what: isinstance(act, Answers))


def _answers_every_client(patch: pytest.MonkeyPatch) -> None:
    """A box answers requests of every kind, but those of the canary."""

    def wrap(for_request: Any) -> Any:
        def found(forces: Any, what: str, client: str, gates: int) -> Any:
            return for_request(forces, what, client, gates) or (
                None if client == CANARY else next((one for one in forces if isinstance(one.act, Answers)), None)
            )

        return found

    around(patch, stage, "for_request", wrap)


def _as_often(more: int) -> Plant:
    """An act "N times" ends after so many more."""

    def wrap(exhausted: Any) -> Any:
        def spent(one: ActInForce, client: str, gates: int) -> bool:
            if not isinstance(one.act, Answers) or one.act.times is None or client == CANARY:
                return bool(exhausted(one, client, gates))
            return one.spent.get(client, 0) >= one.act.times + more

        return spent

    return planted(ActInForce, "exhausted", wrap)


def _replies(change: Callable[[Any], Any], *, canary: bool = False) -> Plant:
    """Let a box say another thing, to the clients at least."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        now: list[str] = [""]

        def deciding(decide: Any) -> Any:
            def decided(one: HttpStage, *args: Any, **options: Any) -> Any:
                now[0] = one.client
                return decide(one, *args, **options)

            return decided

        def replying(reply: Any) -> Any:
            return lambda act, **options: reply(change(act) if canary or now[0] != CANARY else act, **options)

        around(patch, HttpStage, "_decide", deciding)
        around(patch, stage, "reply", replying)

    return plant


def _other_status(act: Any) -> Any:
    return msgspec.structs.replace(act, status=act.status + 1) if isinstance(act, Answers) else act


def _other_wait(act: Any) -> Any:
    return msgspec.structs.replace(act, retry_after=9.0) if isinstance(act, Answers) else act


def _turns(change: Callable[[HttpStage, tuple[ActInForce, ...]], tuple[ActInForce, ...]]) -> Plant:
    """The clients' flows are told that other acts are in force."""

    def wrap(turn: Any) -> Any:
        def turned(one: HttpStage, forces: tuple[ActInForce, ...]) -> None:
            turn(one, forces if one.client == CANARY else change(one, forces))

        return turned

    return planted(HttpStage, "turn", wrap)


def _keeps_in_force(one: HttpStage, forces: tuple[ActInForce, ...]) -> tuple[ActInForce, ...]:
    """Return the acts in force, with those that have ended: they stay in force on the flows that were there."""
    gone = tuple(old for old in one._forces if old not in forces)
    return (*forces, *gone)


def _never_ends(patch: pytest.MonkeyPatch) -> None:
    """No act is ever taken back; what is read back is what should be."""

    def undo(middle: Middle, index: int) -> Any:
        kept = middle._forces
        middle._forces = [one for one in kept if one.index != index]
        said = middle.readback()
        middle._forces = kept
        return said

    patch.setattr(Middle, "undo", undo)


def _never_ends_for_clients(patch: pytest.MonkeyPatch) -> None:
    """Keep every act in force for the clients' flows, new ones too, once it has been."""
    seen: list[ActInForce] = []

    def wrap(turn: Any) -> Any:
        def turned(one: HttpStage, forces: tuple[ActInForce, ...]) -> None:
            seen.extend(new for new in forces if new not in seen)
            turn(one, forces if one.client == CANARY else tuple(reversed(seen)))

        return turned

    around(patch, HttpStage, "turn", wrap)


def _ends_after(seconds: float) -> Plant:
    """Keep what is in force for this long only, on the clients' flows."""

    def wrap(for_any: Any) -> Any:
        since: dict[int, float] = {}

        def found(forces: tuple[ActInForce, ...], *args: Any) -> Any:
            for one in forces:
                since.setdefault(one.index, trio.current_time())
            fresh = tuple(one for one in forces if trio.current_time() < since[one.index] + seconds)
            return for_any(fresh if CANARY not in args else forces, *args)

        return found

    return planted(stage, "for_request", wrap)


def _by_itself(recorded: bool) -> Plant:
    """A box answers one of the clients' requests with 503, though no deed has put one there."""

    def wrap(decide: Any) -> Any:
        once = Once(3)

        def decided(one: HttpStage, exchange: Any) -> None:
            if not once(one.client != CANARY):
                decide(one, exchange)
                return
            own = ActInForce(index=-1, act=Answers(status=503), on="", actor="middle")
            kept, one._forces = one._forces, (own,)
            boxed = one._boxed
            if not recorded:
                one._boxed = lambda *args, **options: None  # type: ignore[method-assign]
            decide(one, exchange)
            one._forces, one._boxed = kept, boxed  # type: ignore[method-assign]

        return decided

    return planted(HttpStage, "_decide", wrap)


# Streams.


def _bodies(change: Callable[[StreamBody, Any], Any]) -> Plant:
    """The bodies of the clients' streams meet another act."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        of_client: set[int] = set()

        def heard(hear: Any) -> Any:
            def hearing(one: HttpStage, *args: Any) -> Any:
                now[0] = one.client
                return hear(one, *args)

            return hearing

        now = [""]

        def making(init: Any) -> Any:
            def made(body: StreamBody, *args: Any, act: Any, **options: Any) -> None:
                if now[0] != CANARY:
                    of_client.add(id(body))
                init(body, *args, act=change(body, act) if id(body) in of_client else act, **options)

            return made

        def turning(turn: Any) -> Any:
            return lambda body, act: turn(body, change(body, act) if id(body) in of_client else act)

        around(patch, HttpStage, "_heard", heard)
        around(patch, StreamBody, "__init__", making)
        around(patch, StreamBody, "turn", turning)

    return plant


def _no(kind: type) -> Callable[[StreamBody, Any], Any]:
    return lambda _, act: None if isinstance(act, kind) else act


def _passes_though_muted(patch: pytest.MonkeyPatch) -> None:
    """A muted stream is said to be, and passes."""

    def wrap(feed: Any) -> Any:
        def fed(body: StreamBody, data: bytes) -> Any:
            if isinstance(body._act, MutesStreams):
                body._tell("muted")
                return PassingBody.feed(body, data)
            return feed(body, data)

        return fed

    around(patch, StreamBody, "feed", wrap)
    patch.setattr(StreamBody, "mutes", property(lambda _: False))


def _resets_with_fin(patch: pytest.MonkeyPatch) -> None:
    def reset(body: StreamBody) -> None:
        body._tell("reset")
        body._end(How.FIN)

    patch.setattr(StreamBody, "_reset", reset)


def _resets_late(patch: pytest.MonkeyPatch) -> None:
    """Events pass before the reset."""

    fed: dict[int, int] = {}

    def wrap_reset(reset: Any) -> Any:
        return lambda body: reset(body) if fed.get(id(body), 0) >= 8 else None

    def wrap(feed: Any) -> Any:
        def feeding(body: StreamBody, data: bytes) -> Any:
            fed[id(body)] = fed.get(id(body), 0) + 1
            if isinstance(body._act, ResetsStreams) and fed[id(body)] < 8:
                return PassingBody.feed(body, data)
            return feed(body, data)

        return feeding

    around(patch, StreamBody, "_reset", wrap_reset)
    around(patch, StreamBody, "feed", wrap)


def _holds(change: Callable[[Any], Any]) -> Plant:
    """Another buffer than the one that was said."""

    def wrap(hold: Any) -> Any:
        return lambda body, act, data, spans: hold(body, change(act), data, spans)

    return planted(StreamBody, "_hold", wrap)


def _for_ever(act: Any) -> Any:
    return msgspec.structs.replace(act, seconds=None, each_event=False, size=1 << 21)


def _times(share: float) -> Callable[[Any], Any]:
    def other(act: Any) -> Any:
        if act.seconds is not None:
            return msgspec.structs.replace(act, seconds=act.seconds * share)
        if act.size is not None:
            return msgspec.structs.replace(act, size=max(1, int(act.size * share)))
        return act

    return other


def _idles(change: Callable[[KillsIdle], KillsIdle | None], *, canary: bool = False) -> Plant:
    def wrap(turn: Any) -> Any:
        def turned(one: HttpStage, forces: tuple[ActInForce, ...]) -> None:
            if one.client != CANARY or canary:
                mine = []
                for each in forces:
                    act = change(each.act) if isinstance(each.act, KillsIdle) else each.act
                    if act is not None:
                        mine.append(each if act is each.act else msgspec.structs.replace(each, act=act))
                forces = tuple(mine)
            turn(one, forces)

        return turned

    return planted(HttpStage, "turn", wrap)


def _idle_for(share: float) -> Callable[[KillsIdle], KillsIdle]:
    return lambda act: msgspec.structs.replace(act, after=act.after * share)


# Cuts.


def _cuts(change: Callable[[Any, How, str], bool], *, canary: bool = False) -> Plant:
    def wrap(cut: Any) -> Any:
        def cutting(one: HttpStage, how: How, mid: str) -> Any:
            if one.client == CANARY and not canary:
                return cut(one, how, mid)
            return change(lambda *args: cut(one, *args), how, mid)

        return cutting

    return planted(HttpStage, "cut", wrap)


def _cuts_behind(patch: pytest.MonkeyPatch) -> None:
    """The whole event passes, then the connection ends."""
    around(patch, streaming, "cut_at", lambda _: lambda block, mid: len(block))


def _cuts_elsewhere(patch: pytest.MonkeyPatch) -> None:
    """Inside the event, but not where it was said."""
    around(patch, streaming, "cut_at", lambda cut_at: lambda block, mid: cut_at(block, "id" if mid != "id" else "data"))


ROWS = (
    Row("a box answers nobody", "answers streams", f"{H0}|{H3}", "answers 503|box", _answers_nobody),
    Row("a box answers the canary alone", "answers streams", H3, "answers 503|box", _answers_no_client),
    Row("a box answers requests of every kind", "answers streams", f"{H0}|{H3}", "answers 503|box", _answers_everybody),
    Row("a box answers the clients' requests of every kind", "answers streams", H3, "answers 503|box", _answers_every_client),
    Row("a box for polls answers no client", "answers polls", H3, "answers 503|box", _answers_no_client),
    Row("a box answers once more than it should", "answers twice", H3, "answers 503|box", _as_often(1)),
    Row("a box answers once less than it should", "answers twice", H3, "answers 503|box", _as_often(-1)),
    Row("a box answers with another status", "answers streams", f"{H0}|{H3}", "answers 503|box", _replies(_other_status, canary=True)),
    Row("a box answers the clients with another status", "answers streams", H3, "answers 503|box", _replies(_other_status)),
    Row("a box answers the clients with another Retry-After", "answers", H3, "answers 503|retry", _replies(_other_wait)),
    Row("a box is in force for the canary alone", "answers streams", H3, "answers 503|box", _turns(lambda _, __: ())),
    Row("a box forgets its end", "answers streams", f"{H0}|{H3}", "answers 503|box", _never_ends),
    Row("a box forgets its end for the clients", "answers streams", H3, "answers 503|box", _never_ends_for_clients),
    Row("a box ends after a second", "answers streams", H3, "answers 503|box", _ends_after(1.0)),
    Row("a box on one path answers on the other", "answers on cellular", f"{H0}|{H3}", "answers 503|wifi", planted(ActInForce, "holds", lambda _: lambda *__: True)),
    Row("a box answers by itself", "plain", H3, "box|middle|503|gate", _by_itself(recorded=True)),
    Row("a box answers by itself, and no record says so", "plain", f"{H1}|{H3}", "box|middle|503|gate", _by_itself(recorded=False)),
    Row("a portal is shown to nobody", "portal", f"{H0}|{H3}", "portal|box", _answers_nobody),
    Row("a portal is shown to the canary alone", "portal", H3, "portal|box", _answers_no_client),
    Row("a portal goes on for the clients", "portal", H3, "portal|box", _never_ends_for_clients),
    # Streams.
    Row("streams are muted for the canary alone", "mutes", H3, "mutes|muted", _bodies(_no(MutesStreams))),
    Row("muted streams pass", "mutes", f"{H0}|{H3}", "mutes|muted", _passes_though_muted),
    Row("streams stay muted for the clients", "mutes", H3, "mutes|muted", _never_ends_for_clients),
    Row("streams are reset for the canary alone", "resets", H3, "resets", _bodies(_no(ResetsStreams))),
    Row("streams are reset with FIN", "resets", f"{H0}|{H3}", "resets", _resets_with_fin),
    Row("streams are reset after some events", "resets", f"{H0}|{H3}", "resets", _resets_late),
    Row("streams are buffered for the canary alone", "buffers", H3, "buffers", _bodies(lambda _, __: None)),
    Row("a buffer of a second holds for half of it", "buffers", f"{H0}|{H3}", "buffers", _holds(_times(0.5))),
    Row("a buffer of a second holds for two", "buffers", f"{H0}|{H3}", "buffers", _holds(_times(2.0))),
    Row("a buffer of a second never lets go", "buffers", f"{H0}|{H3}", "buffers", _holds(_for_ever)),
    Row("a buffer of a size is half as large", "buffers a size", f"{H0}|{H3}", "buffers", _holds(_times(0.5))),
    Row("a buffer of a size is twice as large", "buffers a size", f"{H0}|{H3}", "buffers", _holds(_times(2.0))),
    Row("a buffer of each event holds all of them", "buffers each event", f"{H0}|{H3}", "buffers", _holds(_for_ever)),
    Row("a buffer of each event holds none for the clients", "buffers each event", H3, "buffers", _bodies(lambda _, __: None)),
    # Idle connections.
    Row("an idle connection lives on", "idle", f"{H0}|{H3}", "idle", _idles(lambda _: None, canary=True)),
    Row("the clients' idle connections live on", "idle", H3, "idle", _idles(lambda _: None)),
    Row("the clients' idle connections end too soon", "idle", H3, "idle", _idles(_idle_for(0.5))),
    Row("the clients' idle connections end too late", "idle", H3, "idle", _idles(_idle_for(1.5))),
    Row("the clients' idle connections end in another way", "idle", H3, "idle", _idles(lambda act: msgspec.structs.replace(act, how="silently"))),
    Row("the clients' idle connections are told", "idle, silently", H3, "idle", _idles(lambda act: msgspec.structs.replace(act, how="fin"))),
    # Cuts.
    Row("a cut is never made", "cut", f"{H0}|{H3}", "mid data", _cuts(lambda cut, how, mid: True, canary=True)),
    Row("no stream of the clients is cut", "cut", H3, "mid data", _cuts(lambda cut, how, mid: True)),
    Row("a cut falls behind the event", "cut", f"{H0}|{H3}", "mid data", _cuts_behind),
    Row("a cut falls elsewhere in the event", "cut", f"{H0}|{H3}", "mid data", _cuts_elsewhere),
    Row("a cut ends the clients' connections in another way", "cut", H3, "mid data", _cuts(lambda cut, how, mid: cut(How.FIN, mid))),
    Row("a cut ends connections in another way", "cut, closed", f"{H0}|{H3}", "mid event", _cuts(lambda cut, how, mid: cut(How.RST, mid), canary=True)),
)  # fmt: skip
