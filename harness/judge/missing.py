"""Which emitted events the app never got, and which of those a policy or a snapshot excuses (law L2).

An index is accounted for when it was delivered; when the client dropped it as late or merged it into a newer one, as
the plan's policies allow, and a newer one indeed reached the app (a terminal event never may be); or when a snapshot at
or beyond it was shown while polling, after a 204, or after a gap that the server had signalled and the client told of.
"""

import msgspec

from harness.history import Adopted, App, Gap, Response
from harness.history.records import Record
from harness.judge.case import ClientCase
from harness.judge.streams import is_stream
from harness.judge.truth import Event, Position

GRACE = 1.0
"""Seconds before the end of a job that never ends in which an emission may still be on its way."""


class Missing(msgspec.Struct, frozen=True):
    """What one app lacks at the end: ``events`` in order, and gaps told without the server's signal."""

    events: list[Event]
    unsignalled: list[Gap]


def missing(client: ClientCase) -> Missing:
    """Return the events that neither came nor are excused."""
    return client.once(_missing)


def lost(client: ClientCase) -> list[Event]:
    """Return the missing events that the client should have got.

    Where the run was cut short, or no client could get through any more, that is what is older than something that
    came: it cannot come any more.
    """
    events = missing(client).events
    if events and (client.case.cut_short or client.case.nobody):
        return [event for event in events if event.position < client.screen.newest]
    return events


def _missing(client: ClientCase) -> Missing:
    screen, case = client.screen, client.case
    excused = _excused(client)
    covered, refused = _covered(client), _unhealable(client)
    first = _first_epoch(client)
    due_ns = case.end_ns - round(GRACE * 1e9) if case.plan.job.ends == "never" else case.end_ns
    events = [
        event
        for event in client.truth.events
        if event.position not in screen.delivered
        and event.actual_ns <= due_ns
        and not (event.position in excused and not event.terminal)
        and (covered is None or event.position > covered)
        and event.position[0] >= first
        and not (refused is not None and event.position[0] == refused[0] and event.position < refused)
    ]
    told = [gap for gap in client.gaps if not _signalled(client, gap)]
    return Missing(events, told)


def _first_epoch(client: ClientCase) -> int:
    """Return the rank of the epoch that the first stream of the client met: of an older one it never knew.

    A stream that was answered and brought nothing met none.
    """
    brought = [one for one in client.streams if client.blocks and one.seq < client.blocks[0].seq]
    asked = brought[-1:] or client.streams
    answers = [client.responses[request.rid] for request in asked if request.rid in client.responses]
    opened = next((answer.t_ns for answer in answers if is_stream(answer)), None)
    if opened is None or any(shown.app.enter_ns < opened for shown in client.screen.shown):
        return 0
    return sum(record.t_ns < opened for record in client.truth.epochs)


def _excused(client: ClientCase) -> set[Position]:
    """Positions that the client says it dropped as late or coalesced, where the app did get a newer one."""
    bounded = client.case.plan.client.policies.queue is not None
    newest: dict[int, Position] = {}
    for position in client.screen.delivered:
        newest[position[0]] = max(position, newest.get(position[0], position))
    found: set[Position] = set()
    for absorbed in client.absorbed:
        event = client.truth.known(absorbed.id, absorbed.t_ns)
        if event is None:
            continue
        late = absorbed.why == "late" and client.screen.newest_at(absorbed.t_ns) > event.position
        merged = (
            absorbed.why == "coalesced" and bounded and newest.get(event.position[0], event.position) > event.position
        )
        if late or merged:
            found.add(event.position)
    return found


def _covered(client: ClientCase) -> Position | None:
    """Return the newest position covered by a snapshot the client was entitled to; None without one."""
    newest = _adopted(client)
    for shown in client.screen.shown:
        if shown.app.source != "poll" or shown.event is None:
            continue
        app = shown.app
        healing = any(gap.seq < app.seq and _signalled(client, gap) for gap in client.gaps)
        if healing or any(map(client.polls_at, _taken(client, app))) or _told_to_stop(client, app):
            newest = max(newest or shown.event.position, shown.event.position)
    return newest


def _unhealable(client: ClientCase) -> Position | None:
    """Return what was shown first after a signalled gap of which every snapshot was refused or cut, to the job's end.

    A portal's page is none, whatever its status. None is taken after the end (law L11): so much the client could only
    say aloud.
    """
    told = [gap for gap in client.gaps if not gap.healed and _signalled(client, gap)]
    if not told or not client.screen.terminals:
        return None
    gap, end = told[-1], client.screen.terminals[0].app
    asked = [
        poll for poll in client.requests if poll.what == "poll" and gap.seq < poll.seq and poll.t_ns <= end.enter_ns
    ]
    cut = {one.cid for one in client.conn_ends if one.side == "client" and one.how == "closed"}
    answers = {poll.rid: client.responses[poll.rid] for poll in asked if poll.rid in client.responses}
    had = [
        answers[poll.rid].status // 100 == 2 and not answers[poll.rid].by
        if poll.rid in answers
        else poll.cid not in cut
        for poll in asked
    ]
    if not asked or any(had):
        return None
    after = (one.event for one in client.screen.shown if one.app.seq > gap.seq and one.app.source == "stream")
    found = next((event for event in after if event is not None), None)
    return None if found is None else found.position


def _taken(client: ClientCase, app: App) -> list[int]:
    """Return the numbers of the records by which the client took the snapshot that the app was shown, perhaps later."""
    return [one.seq for one in client.adopted if one.id == app.id and one.seq < app.seq] or [app.seq]


def _adopted(client: ClientCase) -> Position | None:
    """Return the newest snapshot that the client took while polling or after a signalled gap, if as new a state showed.

    A snapshot that says no more than the screen does is not shown again, but it was taken: as a cursor, or where the
    stream was as far already, as what closed the gap.
    """
    found: Position | None = None
    said: list[Adopted | Gap] = [*client.adopted, *(gap for gap in client.gaps if gap.healed)]
    for taken in said:
        event = client.truth.known(taken.id, taken.t_ns) if taken.id else None
        entitled = client.polls_at(taken.seq) or any(
            gap.seq < taken.seq and _signalled(client, gap) for gap in client.gaps
        )
        if event is not None and entitled and event.position <= client.screen.newest and not event.terminal:
            found = max(found or event.position, event.position)
    return found


def _told_to_stop(client: ClientCase, app: App) -> bool:
    """Whether a 204 on the stream had left the client to ask for the status once."""
    answers = [client.responses[request.rid] for request in client.streams if request.rid in client.responses]
    return any(answer.status == 204 and answer.seq < app.seq for answer in answers)


def _signalled(client: ClientCase, gap: Gap) -> bool:
    """Whether the server had said it first: a reset event, 409 or 410, or a new epoch."""
    said: list[Record] = [*client.gap_signals, *client.truth.epochs]
    said += [client.responses[r.rid] for r in client.streams if r.rid in client.responses]
    return any(
        record.seq < gap.seq and (not isinstance(record, Response) or record.status in {409, 410}) for record in said
    )
