"""Gaps that the server said and the app was told of, or not, and those that a client invented (law L15).

1. A gap is told by the callback ``on_gap``, which the harness's own app records. Each call needs a 409, a 410, a reset
   or a new epoch at the client's radio, one of its own, before it.
2. Gaps that follow each other, without an event of a stream that is news read between them or without a whole status
   answer, are one: a cursor that is refused again is no news for the app. What a status answer had overtaken, and the
   app was not shown, is none either. One call of ``on_gap`` tells of all of them.
3. A gap that was certainly read is told ``ALOUD`` seconds after it at the latest, not counting the time in which the
   app was busy with other callbacks, or the device slept; unless the job's end came first.
"""

from bisect import bisect_left, bisect_right

from harness.history import App
from harness.judge.case import ClientCase
from harness.judge.facts.instructions import ToldGap, events_delivered, told_gaps
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.snapshots import delivered_states

ALOUD = 1.0
"""Seconds from a gap to ``on_gap``, and from a final answer to ``on_error``."""


class BusyApp:
    """The time during which an app's queue may lag: the callbacks that followed each other without a pause."""

    def __init__(self, client: ClientCase) -> None:
        calls = sorted([*client.apps, *client.gaps_told], key=lambda app: app.enter_ns)
        self.longest = worked = 0.0
        """Seconds."""
        for before, app in zip([None, *calls], calls, strict=False):
            if before is not None and app.enter_ns - before.exit_ns > client.case.near_ns:
                worked = 0.0
            worked += (app.exit_ns - app.enter_ns) / 1e9
            self.longest = max(self.longest, worked)


def invented_gaps(client: ClientCase) -> list[tuple[App, str]]:
    """Return the calls of ``on_gap`` beyond what the server had said by then, and what it had said, in words."""
    said = [gap.record.t_ns for gap in told_gaps(client)]
    slack = client.case.near_ns
    found = []
    for count, app in enumerate(client.gaps_told, 1):
        before = bisect_right(said, app.enter_ns + slack)
        if before < count:
            found.append((app, "no gap" if not before else f"{before} of {count} gaps that the app was told"))
    return found


def untold_gap(client: ClientCase) -> ToldGap | None:
    """Return the first gap that the app was never told of, though the client certainly read it; None: there is none."""
    told = [app.enter_ns for app in client.gaps_told]
    for group in _groups(client):
        certain = next((gap for gap in group if gap.read_ns is not None), None)
        if certain is None or certain.read_ns is None:
            continue
        since = group[0].record.t_ns - client.case.near_ns
        due_ns = told_by(client, certain.read_ns)
        place = bisect_left(told, since)
        in_time = place < len(told) and told[place] <= due_ns
        if not in_time and due_ns < client.case.end_ns and not _ended_by(client, due_ns):
            return certain
    return None


def _groups(client: ClientCase) -> list[list[ToldGap]]:
    """Return the gaps, those that are one to the app together."""
    news = _news(client)
    states = [state.known_ns for state in delivered_states(client) if state.known_ns is not None]
    found: list[list[ToldGap]] = []
    for gap in told_gaps(client):
        before, until = found[-1][-1].record if found else None, gap.record.t_ns - 1
        if before is None or (
            any(seq >= before.seq and read_ns <= until for seq, read_ns in news)
            and _between(states, before.t_ns, until)
        ):
            found.append([gap])
        else:
            found[-1].append(gap)
    return found


def _news(client: ClientCase) -> list[tuple[int, int]]:
    """Return the events of streams that the app was shown once they had come: ``seq``, and when each was read."""
    reading = client.once(ReadMarks)
    shown = {app.digest: app.enter_ns for app in client.apps if app.digest}  # the last time
    found = []
    for one in events_delivered(client):
        read_ns = reading.read_ns(one)
        if read_ns is not None and one.t_ns <= shown.get(one.digest, 0):
            found.append((one.seq, read_ns))
    return found


def _between(stamps: list[int], since: int, until: int) -> bool:
    ordered = sorted(stamps)
    return bisect_right(ordered, since) < bisect_right(ordered, until)


def told_by(client: ClientCase, read_ns: int) -> int:
    """Return until when a gap, or a final answer, that was read then is told."""
    case = client.case
    due = read_ns + round((ALOUD + client.once(BusyApp).longest) * 1e9) + case.near_ns
    return case.ns(client.once(NetworkTimeline).awake_by(case.at(read_ns), case.at(due)))


def _ended_by(client: ClientCase, due_ns: int) -> bool:
    """Return whether the app was told the job's end, or a final error, by then."""
    return any(app.enter_ns <= due_ns for app in client.screen.ends)
