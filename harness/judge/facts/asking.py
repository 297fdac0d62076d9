"""A client's questions beside its stream, and the end of each: also dials that may have been for a question."""

from bisect import bisect_left, bisect_right
from operator import attrgetter

import msgspec

from harness.judge.case import ClientCase
from harness.judge.facts.dials import dials
from harness.judge.facts.requests import RequestLife, request_lives

_OF_THE_STREAM = frozenset({"stream", "other"})


class Ask(msgspec.Struct, frozen=True):
    """One exchange, in stamps. ``what`` is empty for a dial that carried no request.

    ``given``: it brought what was asked for.
    """

    what: str
    began_ns: int
    answered_ns: int
    over_ns: int
    given: bool = False
    dial: int = 0  # the number of its dial's record, where it carried no request


class Asks:
    """The exchanges of a client that are no stream's, in order of their beginning."""

    def __init__(self, client: ClientCase) -> None:
        found = [_asked(client, life) for life in request_lives(client).values()]
        unknown = [dial for dial in dials(client).all if not dial.what]
        found += [
            Ask("", one.from_ns, one.to_ns, over(client, one.cid, one.to_ns), dial=one.record.seq) for one in unknown
        ]
        self.all = sorted((one for one in found if one.what not in _OF_THE_STREAM), key=attrgetter("began_ns"))
        self._began = [one.began_ns for one in self.all]

    def begun(self, since_ns: int, until_ns: int) -> list[Ask]:
        """Return those that were begun from one stamp to another."""
        return self.all[bisect_left(self._began, since_ns) : bisect_right(self._began, until_ns)]


def asks(client: ClientCase) -> Asks:
    """Return what a client asked."""
    return client.once(Asks)


def over(client: ClientCase, cid: int, otherwise: int) -> int:
    """Return when a client's side of a connection was closed; ``otherwise`` where it never was."""
    end = client.own_end(cid)
    return otherwise if end is None else end.closed_ns


def _asked(client: ClientCase, life: RequestLife) -> Ask:
    began, answer, body = min(life.dialled_ns, life.request.t_ns), life.answer, life.body
    closed = over(client, life.request.cid, client.case.end_ns)
    if answer is None:
        return Ask(life.request.what, began, closed, closed)
    whole = body is not None and body.whole
    until = max(answer.t_ns, body.t_ns if body is not None and whole else closed)
    return Ask(life.request.what, began, answer.t_ns, until, life.given)
