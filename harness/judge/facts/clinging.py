"""The time for which a client went on polling although event streams could pass again (law L15).

Polls are what a client asks for the status without a gap or a 204 as its reason, whatever it calls itself. A stream's
first body byte ends them.
"""

from bisect import bisect_left
from itertools import groupby, pairwise

import msgspec

from harness.history import Request
from harness.judge.case import ClientCase
from harness.judge.facts.dials import syn_retries
from harness.judge.facts.instructions import REFUSED
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import POLLING, STRAY, askings
from harness.judge.facts.requests import streams_begun
from harness.scenario.deadlines import polling_allowance


class Clinging(msgspec.Struct, frozen=True):
    """Polls within one stretch of usable streams, in scenario seconds. ``usable`` is when that stretch began."""

    start: float
    end: float
    usable: float
    polls: tuple[Request, ...]

    @property
    def lasted(self) -> float:
        """Seconds of polling after streams were usable."""
        return self.end - self.start


def allowance(client: ClientCase) -> float:
    """Return for how many seconds a client may go on polling once streams can pass."""
    return polling_allowance(client.case.plan, syn_retries=syn_retries(client))


def clinging(client: ClientCase) -> list[Clinging]:
    """Return each time of polling within one usable stretch, in order; a single poll is none."""
    case = client.case
    stretches = _stretches(client)
    found = []
    for polls in _spells_of_polling(client):
        for start, end in stretches:
            inside = tuple(poll for poll in polls if start <= case.at(poll.t_ns) <= end)
            if len(inside) > 1:
                found.append(Clinging(case.at(inside[0].t_ns), case.at(inside[-1].t_ns), start, inside))
    return found


def _stretches(client: ClientCase) -> list[tuple[float, float]]:
    """Return the times in which streams could pass, begun anew where the server refused this client's cursor.

    A log that is short for the rate of its events and the way to it refuses every cursor, however often it is tried.
    """
    answers = [client.responses[request.rid] for request in client.streams if request.rid in client.responses]
    refused = sorted(client.case.at(answer.t_ns) for answer in answers if answer.status in REFUSED)
    found = []
    for start, end in client.once(NetworkTimeline).usable_stretches():
        marks = [start, *(at for at in refused if start < at < end), end]
        found += list(pairwise(marks))
    return found


def _spells_of_polling(client: ClientCase) -> list[list[Request]]:
    """Return the polls between two first bytes of streams."""
    begun = streams_begun(client)
    polls = [one.life.request for one in askings(client) if one.why in {POLLING, STRAY}]
    return [list(interval) for _, interval in groupby(polls, key=lambda poll: bisect_left(begun, poll.t_ns))]
