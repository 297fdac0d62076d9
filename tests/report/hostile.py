"""Results in which everything that a peer, a file or a path may say is hostile: markup, steering, secrets."""

from pathlib import Path

import msgspec

from harness.deeds.acts import Deed, MutesStreams
from harness.history import records as r
from harness.history.journal import Journal
from harness.judge.verdict import Evidence, ExpectationVerdict, Interval, LawState
from harness.report.compose import LAST_DRAWN
from harness.report.folder import write_bytes, write_json
from harness.scenario.model import Expectation
from tests.report import synthetic

MARKUP = (
    "<script>document.title='pwned'</script>",
    "\"'><img src=x onerror=\"document.title='pwned'\">",
    "</style></svg><script>document.title='pwned'</script><style>",
    "--></title><svg onload=\"document.title='pwned'\">",
    "]]><script>document.title='pwned'</script><![CDATA[",
    "</pre></td></table><iframe srcdoc=\"<script>parent.document.title='pwned'</script>\">",
    "{{ 7*7 }}${7*7}<%= 7*7 %>",
)
STEERING = (
    "\x1b[2J\x1b]0;pwned\x07",
    "\u202egpj.exe\u202c",
    "\u2066x\u2069",
    "a\r\n::error::b",
    "\u2028\u2029",
    "\x00\x08\x9b31m",
)
LINKS = (
    "javascript:document.title='pwned'",
    "[x](javascript:alert(1))",
    "=cmd|' /C calc'!A0",
    "@team #1 www.evil.example",
)
SECRETS = {
    "Authorization: Bearer s3cret-bearer-1": "s3cret-bearer-1",
    "authorization: Basic dXNlcjpzM2NyZXQ=": "dXNlcjpzM2NyZXQ",
    "curl -H 'Authorization: Token s3cret-hdr-2' x": "s3cret-hdr-2",
    "sent Bearer s3cret.bearer.3 to it": "s3cret.bearer.3",
    "GET /stream?token=s3cret-q-4&x=1": "s3cret-q-4",
    "http://h/?api_key=s3cret-q-5#f": "s3cret-q-5",
    "http://h/?sig=s3cret-q-6": "s3cret-q-6",
    "https://ann:s3cret-url-7@h/p": "s3cret-url-7",
    "https://s3cret-url-8@h/p": "s3cret-url-8",
    "Cookie: sid=s3cret-c-9; b=s3cret-c-10": "s3cret-c-",
    "Set-Cookie: id=s3cret-c-11; HttpOnly": "s3cret-c-11",
    '{"password": "s3cret-p-12"}': "s3cret-p-12",
    "--api-key s3cret-a-13": "s3cret-a-13",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyZXQifQ.c2ln": "eyJhbGciOiJIUzI1NiJ9",
    "ghp_s3cretaaaaaaaaaaaaaaaaaaaa": "ghp_s3cret",
    "AKIAABCDEFGHIJKLMNOP": "AKIAABCDEFGHIJKLMNOP",
}
"""Each planted text, and the part of it that must appear nowhere."""

RUN = "as-shipped-real-s7"

EVERYTHING = (*MARKUP, *STEERING, *LINKS, *SECRETS)


def put_hostile(folder: Path, texts: tuple[str, ...] = EVERYTHING) -> None:
    """Write one failed run per text, each with that text in every field that another party may fill."""
    for number, text in enumerate(texts):
        _put(folder, number, text)
    drawn = {MARKUP[2], STEERING[0], next(iter(SECRETS))}
    for number, text in enumerate(texts):  # drawing takes a moment, and every text goes the same way
        if text not in drawn:
            write_bytes(folder / f"hostile{number}" / RUN / LAST_DRAWN, b"")
    synthetic.put_manifest(
        folder, command=" ".join(texts), environment={f"V{n}": text for n, text in enumerate(texts)},
        not_run=list(texts), platform=texts[0],
    )  # fmt: skip


def _put(folder: Path, number: int, text: str) -> None:
    plan = synthetic.half_open_plan()
    deed = Deed(index=1, at=20.0, actor="middle", on=text, act=MutesStreams(), text=text)
    limit = Expectation(metric="detection", sort="under", limit=21.0, unit="s", text=text, line=8)
    plan = msgspec.structs.replace(
        plan, scenario=text, about=text, name=text, source=text, file=text, variant=text, seed=number,
        variables={text: text}, deeds=(*plan.deeds, deed), expect=(limit,),
    )  # fmt: skip
    evidence = [Evidence(seq=3, at=10.0, lane="client", text=text)]
    broken = synthetic.law("order", LawState.FAILED, sentence=text, reason=text, advice=text, evidence=evidence)
    waived = synthetic.law("stop", LawState.WAIVED, waiver=text, reason=text)
    unsaid = synthetic.law("prompt", LawState.NOT_JUDGED, reason=text)
    verdict = synthetic.half_open_verdict(plan)
    missed = ExpectationVerdict(
        metric="detection", limit=text, state=LawState.FAILED, measured=Interval(value=1.0, n=1), line=8, reason=text
    )
    verdict = msgspec.structs.replace(
        verdict, laws=(broken, waived, unsaid), sentence=text, client=text, expectations=(missed,),
        trust=msgspec.structs.replace(verdict.trust, facts={text: text, "server": text, "client version": text}),
    )  # fmt: skip
    run = folder / f"hostile{number}" / RUN
    write_json(run / "plan.json", plan)
    write_json(run / "verdict.json", verdict)
    _history(run / "history.jsonl.gz", text)


def _history(path: Path, text: str) -> None:
    with Journal(path, lambda: 1) as journal:
        journal.write(r.Run(zero_ns=0, scenario=text, variant=text, client=text, world="real", seed=1))
        journal.write(r.Block(client="c1", attempt=1, id=text))
        journal.write(r.App(client="c1", job="j", callback=text, enter_ns=1, exit_ns=1, detail=text, id=text))
        journal.write(r.Emit(job="j", epoch=text, index=0, id=text, type=text, digest="", intended_ns=1, actual_ns=1))
        journal.write(r.Status(client="c1", word=text))
        journal.write(r.Boxed(cid=1, client=text, what=text, detail=text))
        journal.write(r.Request(rid=1, cid=1, client="c1", what="stream", method=text, target=text, last_event_id=text))
        journal.write(r.Response(rid=1, cid=1, status=200, content_type=text, location=text, retry_after=text, by=text))
        journal.write(r.Canary(deed=1, met=True, detail=text))
        journal.write(r.End(reason=text, detail=text))
