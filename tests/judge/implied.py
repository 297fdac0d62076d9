"""The implied part of a story: the records that its other writers wrote of the same run.

A story tells what its client did and met. From that follows what bodies its answers had, who listened for signals, and
how what never ended was ended as the run was taken down.
"""

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import TypeVar

from harness.history import (
    Attempt,
    AttemptEnd,
    Body,
    Boxed,
    Conn,
    ConnEnd,
    Delivered,
    End,
    Listens,
    Request,
    Response,
    SignalTold,
    StreamBegan,
)
from harness.history.records import Record
from harness.judge.facts.streams import is_stream

R = TypeVar("R", bound=Record)


def implied_by(records: Iterable[Record]) -> list[Record]:
    """Return what is missing among the records of a story, each with its stamp."""
    return list(ImpliedRecords(sorted(records, key=attrgetter("t_ns"))).records())


class ImpliedRecords:
    """One story's records, in order of time."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records
        self._end = next((one.t_ns for one in records if isinstance(one, End)), None)
        self._requests = {one.rid: one for one in self._all(Request)}

    def _all(self, kind: type[R]) -> list[R]:
        return [one for one in self._records if isinstance(one, kind)]

    def records(self) -> Iterator[Record]:
        """Yield them, in no order."""
        yield from self._listeners()
        yield from self._answers()
        if self._end is not None:
            yield from self._ends(self._end)

    def _listeners(self) -> Iterator[Record]:
        listening: dict[str, int] = {}
        for told in self._all(SignalTold):
            before = listening.get(told.client, 0)
            for _ in range(abs(told.ears - before)):
                yield Listens(client=told.client, on=told.ears > before, t_ns=told.t_ns - 1)
            listening[told.client] = told.ears

    def _answers(self) -> Iterator[Record]:
        whole = {one.rid for one in self._all(Body)}
        begun = {one.rid for one in self._all(StreamBegan)}
        muted = {one.cid for one in self._all(Boxed) if one.what.startswith("mute")}
        for answer in self._all(Response):
            if is_stream(answer):
                if answer.rid not in begun and answer.cid not in muted:
                    yield StreamBegan(rid=answer.rid, cid=answer.cid, t_ns=answer.t_ns)
                continue
            if answer.rid not in whole:
                refused = answer.status != 200  # in few words, which came whole
                yield Body(rid=answer.rid, cid=answer.cid, length=0, digest="", whole=refused, t_ns=answer.t_ns)

    def _ends(self, end_ns: int) -> Iterator[Record]:
        ended = {(one.cid, one.side) for one in self._all(ConnEnd)}
        for conn in self._all(Conn):
            for side in ("client", "server"):
                if (conn.cid, side) not in ended:
                    yield ConnEnd(cid=conn.cid, side=side, how="closed", t_ns=end_ns)
        over = {(one.client, one.n) for one in self._all(AttemptEnd)}
        for attempt in self._all(Attempt):
            if (attempt.client, attempt.n) not in over:
                yield self._cancelled(attempt, end_ns)

    def _cancelled(self, attempt: Attempt, end_ns: int) -> AttemptEnd:
        mine = [rid for rid, one in self._requests.items() if (one.client, one.what) == (attempt.client, "stream")]
        opened = [
            one.rid for one in self._all(Response) if one.rid in mine and one.status == 200 and one.t_ns > attempt.t_ns
        ]
        events = sum(one.rid in opened for one in self._all(Delivered))
        return AttemptEnd(
            client=attempt.client, n=attempt.n, how="cancelled", opened=bool(opened), events=events, fresh=events,
            bytes=200 * events, t_ns=end_ns,
        )  # fmt: skip
