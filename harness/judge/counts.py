"""Anomalies and traffic, counted: of one client, or of all together."""

from collections.abc import Callable, Mapping

from harness.judge.case import Case, ClientCase
from harness.judge.facts import lives
from harness.judge.facts.lives import Fate
from harness.judge.resumes import resumes
from harness.judge.verdict import Counts


def emitted(client: ClientCase) -> int:
    """Events its job emitted."""
    return len(client.truth.events)


def delivered(client: ClientCase) -> int:
    """Event callbacks its app got."""
    return len(client.screen.shown)


def lost(client: ClientCase) -> int:
    """Events that neither came nor are excused; what may still have come, or nobody could get, is not among them."""
    return len(lives.lost(client))


def of_fate(fate: Fate) -> Callable[[ClientCase], int]:
    """Return the count of events of one fate."""

    def count(client: ClientCase) -> int:
        return sum(life.fate is fate for life in lives.lives(client))

    return count


def wrong_resumes(client: ClientCase) -> int:
    """Stream requests whose ``Last-Event-ID`` was not the last dispatched id."""
    return sum(not resume.right for resume in resumes(client))


def redials(client: ClientCase) -> int:
    """Stream dials begun after the first, failed at once ones included."""
    return max(0, len(client.attempts or client.streams) - 1)


def reconnections(client: ClientCase) -> int:
    """Stream requests after the first attempt that got a 200."""
    later = client.streams
    if client.attempts:
        second = client.attempts[1].seq if len(client.attempts) > 1 else None
        later = [request for request in client.streams if second is not None and request.seq > second]
    else:
        later = later[1:]
    return sum(request.rid in client.responses and client.responses[request.rid].status == 200 for request in later)


def wasted_attempts(client: ClientCase) -> int:
    """Attempts that ended without having given an event."""
    return sum(end.events == 0 for end in client.attempt_ends.values())


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
    "shown": of_fate(Fate.SHOWN),
    "coalesced": of_fate(Fate.COALESCED),
    "covered": of_fate(Fate.COVERED),
    "withheld": of_fate(Fate.WITHHELD),
    "said": of_fate(Fate.SAID),
    "lost": lost,
    "duplicated": lambda client: sum(shown.duplicated for shown in client.screen.shown),
    "reordered": lambda client: sum(shown.reordered for shown in client.screen.shown),
    "corrupted": lambda client: sum(shown.corrupted for shown in client.screen.shown),
    "phantom": lambda client: sum(shown.phantom for shown in client.screen.shown),
    "regressed": lambda client: sum(shown.regressed for shown in client.screen.shown),
    "wrong_resumes": wrong_resumes,
    "absorbed": lambda client: sum(absorbed.why == "repeat" for absorbed in client.absorbed),
    "gaps": lambda client: len(client.gaps_told),
    "attempts": redials,
    "reconnections": reconnections,
    "wasted_attempts": wasted_attempts,
    "requests": requests,
    "polls": of_kind("poll"),
    "results_fetched": of_kind("results"),
}
"""One count of one client, by the field of ``Counts`` that sums it."""


def counts(case: Case) -> Counts:
    """Return the sums over all clients."""
    return Counts(**{field: sum(count(client) for client in case.clients) for field, count in FIELDS.items()})
