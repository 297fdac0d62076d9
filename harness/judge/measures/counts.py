"""Anomalies and traffic, counted: of one client, or of all together."""

from collections import Counter
from collections.abc import Callable, Mapping
from operator import attrgetter

from harness.history import Dial, Request
from harness.judge.case import Case, ClientCase
from harness.judge.facts import lives
from harness.judge.facts.instructions import events_delivered, leads_on
from harness.judge.facts.lives import EventFate, Life
from harness.judge.facts.polling import may_poll
from harness.judge.facts.radio import arrivals
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.refusals import no_end_due
from harness.judge.facts.requests import dial_lives, lives_of
from harness.judge.facts.resumes import resumes
from harness.judge.facts.tries import tries
from harness.judge.verdict import Counts


def emitted(client: ClientCase) -> int:
    """Events its job emitted."""
    return len(client.truth.events)


def delivered(client: ClientCase) -> int:
    """Event callbacks its app got."""
    return len(client.screen.shown)


def lost(client: ClientCase) -> int:
    """Events that are owed, and neither came nor are excused; what may still have come is not among them."""
    return len(lives.lost(client)) - len(_refused(client))


def not_owed(client: ClientCase) -> int:
    """Events that no law asks for: from before the first that its server still had, or behind a final refusal."""
    return of_fate(EventFate.NOT_OWED)(client) + len(_refused(client))


def _refused(client: ClientCase) -> list[Life]:
    """Return the events that never certainly reached a client which may lawfully end without the end of its job."""
    if client.screen.terminals or not no_end_due(client):
        return []
    return [life for life in lives.lost(client) if life.fate is EventFate.UNASKED]


def of_fate(fate: EventFate) -> Callable[[ClientCase], int]:
    """Return the count of events of one fate."""

    def count(client: ClientCase) -> int:
        return sum(life.fate is fate for life in lives.lives(client))

    return count


def wrong_resumes(client: ClientCase) -> int:
    """Stream requests whose ``Last-Event-ID`` was not the last dispatched id."""
    return sum(not resume.right for resume in resumes(client))


def redials(client: ClientCase) -> int:
    """Stream dials begun after the first, failed at once ones included."""
    return max(0, len(tries(client)) - 1)


def reconnected(client: ClientCase) -> list[Request]:
    """Return the stream requests after the first attempt that got a 200, in order."""
    later = (asked for one in tries(client)[1:] if (asked := one.request) is not None)
    return [one for one in later if one.rid in client.responses and client.responses[one.rid].status == 200]


def wasted(client: ClientCase) -> list[Request | Dial]:
    """Return the stream requests that are over and brought no event, and the dials that carried no request, in order.

    A redirect that leads on is no end. While a client may live by polling, a dial may have been a poll's.
    """
    brought = {one.rid for one in events_delivered(client)}
    vain = [life for life in lives_of(client, "stream") if life.end_ns is not None and life.request.rid not in brought]
    found: list[Request | Dial] = [one.request for one in vain if one.answer is None or not leads_on(one.answer)]
    found += [one.dial for one in dial_lives(client) if one.request is None and not may_poll(client, one.dial.from_ns)]
    return sorted(found, key=attrgetter("seq"))


def absorbed(client: ClientCase) -> int:
    """Events that its process certainly read again, less those that its app was shown again."""
    reading = client.once(ReadMarks)
    read = Counter(one.event.position for one in arrivals(client) if reading.read_ns(one.record) is not None)
    again = sum(times - 1 for times in read.values())
    return max(0, again - sum(shown.duplicated or shown.retold for shown in client.screen.shown))


def requests(client: ClientCase) -> int:
    """HTTP requests of every kind."""
    return len(client.requests)


def of_kind(what: str) -> Callable[[ClientCase], int]:
    """Return the count of one kind of request."""

    def count(client: ClientCase) -> int:
        return sum(request.what == what for request in client.requests)

    return count


FIELDS: Mapping[str, Callable[[ClientCase], int]] = {
    "emitted": emitted,
    "delivered": delivered,
    "shown": of_fate(EventFate.SHOWN),
    "coalesced": of_fate(EventFate.COALESCED),
    "covered": of_fate(EventFate.COVERED),
    "withheld": of_fate(EventFate.WITHHELD),
    "said": of_fate(EventFate.SAID),
    "not_owed": not_owed,
    "lost": lost,
    "duplicated": lambda client: sum(shown.duplicated for shown in client.screen.shown),
    "retold": lambda client: sum(shown.retold for shown in client.screen.shown),
    "reordered": lambda client: sum(shown.reordered for shown in client.screen.shown),
    "corrupted": lambda client: sum(shown.corrupted for shown in client.screen.shown),
    "phantom": lambda client: sum(shown.phantom for shown in client.screen.shown),
    "regressed": lambda client: sum(shown.regressed for shown in client.screen.shown),
    "wrong_resumes": wrong_resumes,
    "absorbed": absorbed,
    "gaps": lambda client: len(client.gaps_told),
    "attempts": redials,
    "reconnections": lambda client: len(reconnected(client)),
    "wasted_attempts": lambda client: len(wasted(client)),
    "requests": requests,
    "polls": of_kind("poll"),
    "results_fetched": of_kind("results"),
}
"""One count of one client, by the field of ``Counts`` that sums it."""


def counts(case: Case) -> Counts:
    """Return the sums over all clients."""
    return Counts(**{field: sum(count(client) for client in case.clients) for field, count in FIELDS.items()})
