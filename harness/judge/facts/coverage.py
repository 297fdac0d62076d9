"""Which status answers a client was entitled to, and so how far a snapshot stands in for what was never streamed.

A status answer *covers* what is not newer than it where the client asked for it in a polling, after a gap that the
server had said to it, or after a 204 (``polling``). What the client calls itself entitles it to nothing.
"""

from harness.judge.case import ClientCase
from harness.judge.facts.asked import ToldGap
from harness.judge.facts.polling import STRAY, askings
from harness.judge.facts.radio import Answer, answers
from harness.judge.facts.truth import Position


def entitled(client: ClientCase) -> list[Answer]:
    """Return the status answers that a client was entitled to, in the order in which they came."""
    return client.once(_entitled)


def _entitled(client: ClientCase) -> list[Answer]:
    reasons = {asking.life.request.rid: asking.why for asking in askings(client)}
    return [one for one in answers(client) if reasons.get(one.request.rid, STRAY) != STRAY]


def covered(client: ClientCase) -> Position | None:
    """Return the newest position that an answer covers whose state, or a later one, the app was shown."""
    newest = client.screen.newest
    return max((one.position for one in entitled(client) if one.position <= newest), default=None)


def heals(gap: ToldGap, answer: Answer) -> bool:
    """Whether an answer was asked for while a gap was open."""
    return gap.record.seq < answer.request.seq and answer.request.t_ns <= gap.covered_ns
