"""What else the server answered: a poll with the newest state, an expired cursor as it is set to, tokens, results."""

from collections.abc import Iterator

from harness.history import Answered, GapSignal, Snapshot
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.server.bounds import Bounds, Fault
from harness.judge.server.facts import Epoch, Served
from harness.judge.server.writing import REFUSED


def answers(case: Case, served: Served, bounds: Bounds) -> Iterator[Fault]:
    """Each answer that is no stream is what the job's log and the plan make it."""
    del bounds
    for snapshot in case.history.all(Snapshot):
        epoch = served.epoch_at(snapshot.job, snapshot.seq)
        if epoch is not None and epoch.whole:
            yield from _snapshot(epoch, snapshot)
    for gap in case.history.all(GapSignal):
        epoch = served.epoch_at(gap.job, gap.seq)
        if epoch is not None and epoch.whole and not _is_gap(served, epoch, gap):
            yield f"the server told a gap ({gap.how}) to the cursor {gap.cursor!r}, behind which none was", gap
    for answer in case.history.all(Answered):
        yield from _answer(case, served, answer)


def _snapshot(epoch: Epoch, snapshot: Snapshot) -> Iterator[Fault]:
    newest = epoch.newest_at(snapshot.seq)
    state = epoch.emits[newest].type if newest >= 0 else snapshot.status
    if (snapshot.epoch, snapshot.state_index, snapshot.status) != (epoch.begun.epoch, newest, state):
        said = f"{snapshot.status}, event {snapshot.epoch}-{snapshot.state_index}"
        yield f"the server answered a poll with {said}, where {epoch.event(newest)} ({state}) was the newest", snapshot


def _is_gap(served: Served, epoch: Epoch, gap: GapSignal) -> bool:
    how = served.resumption(epoch, gap.cursor, gap.seq).how
    if gap.how != "epoch":
        return how == gap.how
    emit = served.ids.get(gap.job, {}).get(gap.cursor)
    return not how and emit is not None and emit.epoch != epoch.begun.epoch


def _answer(case: Case, served: Served, answer: Answered) -> Iterator[Fault]:
    request, plan = served.requests.get(answer.rid), case.plan
    if answer.expires_in is not None and answer.expires_in != plan.server.token_lasts:
        yield f"the server issued a token for {phrases.duration(answer.expires_in)}, which is not the plan's", answer
    if request is None:
        return
    if request.what == "results" and answer.status == 200 and answer.length != plan.job.results:
        yield f"the server has {answer.length:,} B of results, where the plan has {plan.job.results:,}", answer
    epoch = served.epoch_at(request.job, answer.seq)
    if request.what == "stream" and str(answer.status) in REFUSED and epoch is not None and epoch.whole:
        cursor = request.last_event_id or ""
        how = served.resumption(epoch, cursor, answer.seq).how
        if how != str(answer.status):
            due = how if how in REFUSED else "a stream"
            yield f"the server answered {answer.status} to the cursor {cursor!r}, where {due} was due", answer
