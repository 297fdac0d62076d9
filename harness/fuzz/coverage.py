"""Coverage of the vocabulary: which deeds were done, in which state of a client, how often.

A deed counts once for each client that it met, under the word that the client had last said of itself (its Status
records) when the deed was done. The undoing of a deed is no deed of its own.
"""

from collections import Counter

from harness.deeds import acts
from harness.deeds.acts import Act
from harness.device.words import Reach
from harness.history import Deed as Done
from harness.history import History, Status
from harness.scenario.model import Plan
from harness.vocabulary import Direction

STATES = ("connecting", "connected", "reconnecting", "polling", "closed")
"""Words of a client, and columns of the table. A deed before the first word meets a client that is connecting."""

Cells = Counter[tuple[str, str]]
"""How often each deed met each state."""

_TARGETS = ("everything", "streams", "polls", "results")
_ANSWERS = (*(f"answers to {to}" for to in _TARGETS), "answers N times", "answers retry-after")

DEEDS: tuple[str, ...] = (
    *(f"path {word}" for word in Reach),
    *(f"path {word} {way} only" for word in (Reach.STALLED, Reach.SILENT) for way in Direction),
    "path closed once",
    "path reset once",
    *(f"path {how} mid {mid}" for how in ("closed", "reset") for mid in ("id", "data", "character", "event")),
    "path profile",
    "path profile over",
    *(f"path profile {way} only" for way in Direction),
    "path sliced",
    *(f"device {word}" for word in ("joins", "prefers", "loses", "goes offline", "comes online", "suspends")),
    *(f"middle {answer}" for answer in _ANSWERS),
    *(f"middle {word}" for word in ("on a path", "shows portal", "mutes streams", "resets streams")),
    *(f"middle buffers {how}" for how in ("size", "each event", "duration")),
    *(f"middle kills idle {how}" for how in ("with fin", "silently", "with code")),
    "middle clears",
    "server restarts keeping log",
    "server restarts losing log",
    *(f"server {answer}" for answer in _ANSWERS),
    *(f"server {word}" for word in ("orphan", "drains", "hangs", "sends retry", "repeats", "revokes token")),
    *(f"server {word}" for word in ("silences keepalive", "recovers")),
    *(f"job {word}" for word in ("pauses", "resumes", "bursts", "completed", "failed", "timeout")),
)
"""All that can be done, and rows of the table."""

_KILLS = {"fin": "with fin", "silently": "silently"}
_SAID = {"slice": "sliced"}


def words_of(deed: acts.Deed) -> tuple[str, ...]:
    """Return every word of ``DEEDS`` that a deed exercises."""
    actor = deed.actor if deed.actor in {"device", "middle", "server", "job"} else "path"
    narrowed = (f"{actor} on a path",) if deed.on else ()
    return (*(f"{actor} {word}" for word in _words(deed.act)), *narrowed)


def _words(act: Act) -> tuple[str, ...]:  # noqa: PLR0911 - a table of acts reads best as one return each
    match act:
        case acts.SetReach(word=word, direction=direction, once=once):
            return (f"{word}{' once' if once else ''}{f' {direction} only' if direction else ''}",)
        case acts.Cuts():
            return (f"{act.how} mid {act.mid}",)
        case acts.SetShape(over=over, direction=direction):
            one_way = (f"profile {direction} only",) if direction else ()
            return ("profile over" if over else "profile", *one_way)
        case acts.Answers(to=to, times=times, retry_after=retry_after):
            counted = ("answers N times",) if times is not None else ()
            return (f"answers to {to}", *counted, *(("answers retry-after",) if retry_after is not None else ()))
        case acts.Buffers(size=size, each_event=each):
            return (f"buffers {'each event' if each else 'duration' if size is None else 'size'}",)
        case acts.KillsIdle():
            return (f"kills idle {_KILLS.get(act.how, 'with code')}",)
        case acts.Restarts():
            return (f"restarts {'keeping' if act.keeps_log else 'losing'} log",)
        case acts.Ends():
            return (act.how,)
    tag = str(type(act).__struct_config__.tag)
    return (_SAID.get(tag, tag),)


def covered(plan: Plan, history: History) -> Cells:
    """Return the cells that one run filled."""
    statuses: dict[str, list[Status]] = {}
    for status in history.all(Status):
        statuses.setdefault(status.client, []).append(status)
    clients = [f"c{number}" for number in range(1, plan.client.count + 1)]
    cells: Cells = Counter()
    for done in history.all(Done):
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
