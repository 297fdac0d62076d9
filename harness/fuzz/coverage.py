"""Coverage of the vocabulary: which deeds were done, in which state of a client, how often.

A deed counts once for each client that it met, under the word that the client had last said of itself (its Status
records) when the deed was done. The undoing of a deed is no deed of its own.
"""

from collections import Counter

from harness.deeds import acts
from harness.deeds.catalogue import Actor, row_of, rows_of
from harness.history import DeedDone, History, Status
from harness.scenario.model import Plan

STATES = ("connecting", "connected", "reconnecting", "polling", "closed")
"""Words of a client, and columns of the table. A deed before the first word meets a client that is connecting."""

Cells = Counter[tuple[str, str]]
"""The number of times that each deed met each state."""

DEEDS: tuple[str, ...] = (
    *(f"{actor} {kind}" for actor in Actor for row in rows_of(actor) for kind in row.kinds),
    "middle on a path",
)
"""All that can be done, and rows of the table."""


def words_of(deed: acts.Deed) -> tuple[str, ...]:
    """Return every word of ``DEEDS`` that a deed exercises."""
    actor = deed.actor if deed.actor in {"device", "middle", "server", "job"} else "path"
    narrowed = (f"{actor} on a path",) if deed.on else ()
    return (*(f"{actor} {kind}" for kind in row_of(deed.act).kinds_of(deed.act)), *narrowed)


def covered(plan: Plan, history: History) -> Cells:
    """Return the cells that one run filled."""
    statuses: dict[str, list[Status]] = {}
    for status in history.all(Status):
        statuses.setdefault(status.client, []).append(status)
    clients = [f"c{number}" for number in range(1, plan.client.count + 1)]
    cells: Cells = Counter()
    for done in history.all(DeedDone):
        deed = plan.deeds[done.deed]
        if done.error or deed.undoes is not None:
            continue
        for client in [done.client] if done.client else clients:
            said = [status.word for status in statuses.get(client, []) if status.seq < done.seq]
            state = said[-1] if said else STATES[0]
            for word in words_of(deed):
                cells[word, state] += 1
    return cells


def table(cells: Cells) -> list[str]:
    """Return the table as lines: a row for each deed, a column for each state; a cell never met has a dash."""
    width = max(map(len, DEEDS))
    lines = [" " * width + "".join(f"{state:>14}" for state in STATES)]
    for deed in DEEDS:
        counts = [cells.get((deed, state), 0) for state in STATES]
        lines.append(f"{deed:<{width}}" + "".join(f"{count or '-':>14}" for count in counts))
    return lines


def never_done(cells: Cells) -> tuple[str, ...]:
    """Return the deeds that no run has done."""
    done = {deed for (deed, _), count in cells.items() if count}
    return tuple(deed for deed in DEEDS if deed not in done)
