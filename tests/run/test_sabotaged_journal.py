"""A journal that loses records: any of them, of each kind, before it numbers them or after. The run is void."""

from collections.abc import Callable

import pytest

from harness.history import Journal
from harness.history.records import Record
from harness.judge.judge import judge
from harness.judge.verdict import LawState, Verdict, Word
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans

[PLAN] = plans(
    Scenario(
        scenario="whole",
        job={"lasts": "20s", "updates": "every 500ms"},
        server={"token": "lasts 300s", "replay": "4 events", "keepalive": "2s"},
        client={"fallback": "poll every 1s after 1 failures", "retry stream": "every 3s"},
        paths={"wifi": "wifi-edge", "cellular": "lte"},
        timeline={
            "3s": {"wifi": "stalled for 5s"},
            "4s": {"device": ["joins cellular", "loses wifi"]},
            "9s": {"job": "pauses for 3s", "middle": "answers 503 to streams for 4s", "cellular": "reset once"},
            "14s": {"server": "repeats 2 for 10s", "cellular": "stalled for 2s"},
            "15s": {"server": "drains for 500ms"},
        },
    ),
    world="virtual",
)

KINDS = {
    "run", "end", "deed", "canary", "signal", "heard", "listens", "dial", "shaped", "weather", "census", "boxed",
    "conn", "chunk", "conn_end", "waited", "end_passed", "request", "response", "body", "stream_began", "delivered",
    "job", "rescheduled", "emit", "write", "said", "answered", "gap_signal", "snapshot", "subscriber",
    "read", "attempt", "attempt_end", "block", "app", "status", "gap", "absorbed", "adopted", "results",
    "app_results",
}  # fmt: skip
"""The kinds of record that the run leaves. Not ``health``, which real runs have alone."""

OUTSIDE = {"run", "end"}
"""The history's own frame: without it a run never began, or was cut short."""

LOST = [
    (kind, numbered)
    for kind in sorted(KINDS - OUTSIDE)
    for numbered in (False, True)
    if (kind, numbered) != ("conn", False)
]
"""Each kind, lost once it is numbered or before. (A gate knows a connection by the number of its record.)"""


def kind_of(record: Record) -> str:
    return str(record.__struct_config__.tag)


def judged(monkeypatch: pytest.MonkeyPatch, loses: Callable[[Record], bool], *, numbered: bool) -> Verdict:
    """The verdict on the plan's run with a journal that loses these records, once they are numbered or before."""
    append = Journal._append

    def sabotaged(journal: Journal, record: Record) -> int:
        if not loses(record):
            return append(journal, record)
        journal.written += numbered
        return journal.written

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "_append", sabotaged)
        return judge(PLAN, rehearse(PLAN))


def state(verdict: Verdict, word: str = "history-whole") -> LawState:
    return next(law.state for law in verdict.laws if law.law == word)


def the_nth(kind: str, place: int) -> Callable[[Record], bool]:
    seen = 0

    def loses(record: Record) -> bool:
        nonlocal seen
        seen += kind_of(record) == kind
        return kind_of(record) == kind and seen == place

    return loses


@pytest.fixture(scope="module")
def counts() -> dict[str, int]:
    found: dict[str, int] = {}
    for record in rehearse(PLAN).records:
        found[kind_of(record)] = found.get(kind_of(record), 0) + 1
    return found


def test_every_kind_is_there(counts):
    assert counts.keys() == KINDS


def test_with_nothing_lost_it_is_whole(monkeypatch):
    assert state(judged(monkeypatch, lambda _: False, numbered=True)) is LawState.HELD


@pytest.mark.parametrize("which", ["first", "last"])
@pytest.mark.parametrize(("kind", "numbered"), LOST)
def test_one_record_of_any_kind_that_is_lost_voids_the_run(monkeypatch, counts, kind, which, numbered):
    loses = the_nth(kind, 1 if which == "first" else counts[kind])
    verdict = judged(monkeypatch, loses, numbered=numbered)
    assert (verdict.word, state(verdict)) == (Word.VOID, LawState.FAILED)


@pytest.mark.parametrize(("kind", "numbered"), LOST)
def test_a_kind_that_is_lost_altogether_voids_the_run(monkeypatch, kind, numbered):
    assert state(judged(monkeypatch, lambda record: kind_of(record) == kind, numbered=numbered)) is LawState.FAILED


@pytest.mark.parametrize("numbered", [False, True], ids=["before they are numbered", "after"])
def test_every_fortieth_record_that_is_lost_voids_the_run(monkeypatch, numbered):
    count = 0

    def fortieth(record: Record) -> bool:
        nonlocal count
        count += 1
        return count % 40 == 0 and kind_of(record) not in {*OUTSIDE, "conn"}

    verdict = judged(monkeypatch, fortieth, numbered=numbered)
    assert (verdict.word, state(verdict)) == (Word.VOID, LawState.FAILED)
