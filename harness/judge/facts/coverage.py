"""The status answers to which a client was entitled, and so the events for which a snapshot stands in.

A status answer *covers* what is not newer than it where the client asked for it in a polling, after a gap that the
server had said to it, or after a 204 (``polling``). What the client calls itself entitles it to nothing.
"""

from harness.judge.case import ClientCase
from harness.judge.facts.instructions import ToldGap
from harness.judge.facts.polling import POLLING, STRAY, askings, pollings
from harness.judge.facts.radio import StatusArrival, answers
from harness.judge.facts.truth import Position


def entitled(client: ClientCase) -> list[StatusArrival]:
    """Return the status answers that a client was entitled to, in the order in which they came."""
    return client.once(_entitled)


def _entitled(client: ClientCase) -> list[StatusArrival]:
    reasons = {asking.life.request.rid: asking.why for asking in askings(client)}
    return [one for one in answers(client) if reasons.get(one.request.rid, STRAY) != STRAY]


def covered(client: ClientCase) -> Position | None:
    """Return the newest position that an answer covers whose state, or a later one, the app was shown."""
    newest = client.screen.newest
    return max((one.position for one in entitled(client) if one.position <= newest), default=None)


def heals(gap: ToldGap, answer: StatusArrival) -> bool:
    """Return whether an answer was asked for while a gap was open."""
    return gap.record.seq < answer.request.seq and answer.request.t_ns <= gap.covered_ns


def polled_for(client: ClientCase) -> float:
    """Return for how many seconds a client lived by polling: from its first request to the next stream, or the end."""
    terminals, total = client.screen.terminals, 0
    end_ns = terminals[0].app.enter_ns if terminals else client.case.end_ns
    asked = [asking.life.dialled_ns for asking in askings(client) if asking.why == POLLING]
    for span in pollings(client):
        began_ns = next((at_ns for at_ns in asked if span.since_ns <= at_ns <= span.until_ns), None)
        if began_ns is not None:
            total += max(0, int(min(span.until_ns, end_ns)) - began_ns)
    return total / 1e9
