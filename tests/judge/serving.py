"""The flawless server of a story: what it wrote to each stream, and what of it reached the client's socket."""

from harness.history import App, ConnEnd, Delivered, Emit, End, Request, Response, Said, Subscriber, Write
from tests.judge.story import Story

MS = 1_000_000


def served(story: Story, *, keepalive: float | None = 15.0) -> Story:
    """Add the records of a server that does as planned to a story that is told to its end."""
    for rid, answer in sorted({one.rid: one for one in story.records if isinstance(one, Response)}.items()):
        request = next(one for one in story.records if isinstance(one, Request) and one.rid == rid)
        if request.what == "stream" and answer.status == 200 and not answer.by:
            _Serving(story, request, answer).tell(keepalive)
    return story


class _Serving:
    """One stream."""

    def __init__(self, story: Story, request: Request, answer: Response) -> None:
        self.story, self.request = story, request
        story.subs += 1
        self.sub, self.rid = story.subs, request.rid
        self.open_ns = answer.t_ns - MS
        ends = [one.t_ns for one in story.records if isinstance(one, ConnEnd) and one.cid == request.cid]
        self.end_of_observation_ns = next(one.t_ns for one in story.records if isinstance(one, End))
        self.left_ns = min(ends, default=self.end_of_observation_ns)
        self.offset = 0
        own = [one for one in story.records if isinstance(one, Delivered) and one.rid == self.rid]
        story.records = [one for one in story.records if one not in own]  # told with all others below
        self.shown = {(one.id, one.digest): one.enter_ns for one in story.records if isinstance(one, App)}

    def add(self, record, t_ns: int) -> None:
        record.t_ns = t_ns
        self.story.records.append(record)

    def tell(self, keepalive: float | None) -> None:
        cursor, job = self.request.last_event_id or "", self.request.job
        emits = [one for one in self.story.records if isinstance(one, Emit) and one.job == job]
        known = next((one for one in emits if one.id == cursor), None)
        first = 0 if known is None else known.index + 1
        self.add(Subscriber(sub=self.sub, job=job, what="open", cursor=cursor, rid=self.rid), self.open_ns)
        due = [one for one in emits if one.index >= first and one.t_ns < self.left_ns]
        old = [one for one in due if one.t_ns <= self.open_ns]
        last_ns = self.open_ns + MS // 10
        if old:
            self.write(old, last_ns)
        else:
            self.say("open", last_ns)
        for emit in due[len(old) :]:
            self.keep_alive(last_ns, emit.t_ns, keepalive)
            last_ns = max(emit.t_ns, last_ns) + MS // 10
            self.write([emit], last_ns)
        done = bool(due) and due[-1].terminal
        if not done:
            self.keep_alive(last_ns, self.left_ns, keepalive)
        left = "fin" if self.left_ns < self.end_of_observation_ns else "stopped"
        evidence, at_ns = ("done", last_ns + MS // 10) if done else (left, self.left_ns + MS // 10)
        self.add(Subscriber(sub=self.sub, job=job, what="close", evidence=evidence, rid=self.rid), at_ns)

    def keep_alive(self, since_ns: int, until_ns: int, keepalive: float | None) -> None:
        while keepalive is not None and since_ns + keepalive * 1e9 < until_ns:
            since_ns += round(keepalive * 1e9)
            self.say("keep-alive", since_ns)

    def say(self, what: str, t_ns: int) -> None:
        self.add(Said(sub=self.sub, what=what, began_ns=t_ns - MS // 20), t_ns)

    def write(self, emits: list[Emit], t_ns: int) -> None:
        first, last = emits[0], emits[-1]
        self.add(
            Write(
                sub=self.sub, job=first.job, epoch=first.epoch, first=first.index, last=last.index, rid=self.rid,
                replay=first.t_ns <= self.open_ns, began_ns=t_ns - MS // 20, offset=self.offset,
            ),
            t_ns,
        )  # fmt: skip
        self.offset += 100 * len(emits)
        for emit in emits:
            arrived_ns = self.shown.get((emit.told_id, emit.digest), t_ns + 4 * MS) - MS // 4
            self.add(
                Delivered(rid=self.rid, cid=self.request.cid, id=emit.told_id, type=emit.type, digest=emit.digest),
                max(arrived_ns, t_ns),
            )  # fmt: skip
