"""The stamps of records: the one journal gives them as it writes, so they never go back; and a record's own times.

What reached a client's socket alone is stamped before it is written: as its bytes were handed to the socket.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from harness.history import (
    App,
    Body,
    Chunk,
    ConnEnd,
    DeedDone,
    Delivered,
    Dial,
    Emit,
    Job,
    Response,
    Said,
    StreamBegan,
    StreamEnded,
    Waited,
    Write,
)
from harness.history.records import Record
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.deeds import TOLERANCE

_AT_THE_SOCKET = (Body, Delivered, Response, StreamBegan, StreamEnded)

_TIMES: Mapping[type[Record], Callable[[Any], tuple[int, ...]]] = {
    App: lambda one: (one.enter_ns, one.exit_ns, one.t_ns),
    ConnEnd: lambda one: (one.left_ns, one.t_ns),
    DeedDone: lambda one: (one.issued_ns, one.returned_ns, one.t_ns),
    Dial: lambda one: (one.from_ns, one.to_ns, one.t_ns),
    Emit: lambda one: (one.actual_ns, one.t_ns),
    Job: lambda one: (one.accepted_ns, one.t_ns),
    Said: lambda one: (one.began_ns, one.t_ns),
    Waited: lambda one: (one.t_ns, one.until_ns),
    Write: lambda one: (one.began_ns, one.t_ns),
}
"""The times that a record tells, in the order in which they came."""

_AT_ONCE = (App, DeedDone, Dial, Emit)
"""Records that are written as the last byte of what they tell of comes."""


class Stamps:
    """Follows the stamps of one history, in the order of its records."""

    def __init__(self, case: Case) -> None:
        self._latest: Record | None = None
        self._sent_ns: dict[int, int] = {}  # when bytes were last handed to a client's socket, by connection
        self._late_ns = round((TOLERANCE + case.slack) * 1e9)

    def check(self, record: Record) -> str:
        """Return what is wrong with a record's stamp, or nothing."""
        latest = self._latest
        sent_ns = self._sent_ns.get(record.cid, 0) if isinstance(record, _AT_THE_SOCKET) else None
        since_ns = sent_ns if sent_ns is not None else latest.t_ns if latest is not None else 0
        if latest is None or record.t_ns > latest.t_ns:
            self._latest = record
        if isinstance(record, Chunk) and record.direction == "downstream" and record.fate == "delivered":
            self._sent_ns[record.cid] = record.t_ns
        if record.t_ns < since_ns:
            behind = phrases.duration((since_ns - record.t_ns) / 1e9)
            what = "its bytes were sent"
            if latest is not None and sent_ns is None:
                what = f"record {latest.seq} ({_kind(latest)}), which was written before it"
            return f"the stamp of a {_kind(record)} record lies {behind} before {what}"
        return self._own_times(record)

    def _own_times(self, record: Record) -> str:
        tells = _TIMES.get(type(record))
        if tells is None:
            return ""
        times = tells(record)
        if any(earlier > later for earlier, later in pairwise(times)):
            return f"the times of a {_kind(record)} record are not in their order"
        if isinstance(record, _AT_ONCE) and times[-1] - times[-2] > self._late_ns:
            late = phrases.duration((times[-1] - times[-2]) / 1e9)
            return f"the stamp of a {_kind(record)} record lies {late} behind what it tells of"
        return ""


def _kind(record: Record) -> str:
    return str(record.__struct_config__.tag)
