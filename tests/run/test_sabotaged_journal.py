"""A journal that loses records: each kind of them, before it numbers them or after. The run is void, whoever ran."""

from collections.abc import Callable

import pytest

from harness.history import Journal
from harness.history.records import Record
from harness.judge.judge import judge
from harness.judge.verdict import State, Verdict, Word
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans

[PLAN] = plans(
    Scenario(
        scenario="whole",
        job={"lasts": "20s", "updates": "every 500ms"},
        server={"token": "lasts 300s", "replay": "4 events"},
        client={"fallback": "poll every 1s after 1 failures", "retry stream": "every 3s"},
        paths={"wifi": "wifi", "cellular": "lte"},
        timeline={
            "3s": {"wifi": "stalled for 5s"},
            "4s": {"device": ["joins cellular", "loses wifi"]},
            "9s": {"job": "pauses for 1s", "middle": "answers 503 to streams for 4s", "cellular": "reset once"},
        },
    ),
    world="virtual",
)


def judged(monkeypatch: pytest.MonkeyPatch, loses: Callable[[Record], bool]) -> Verdict:
    """The verdict on the plan's run with a journal that loses these records."""
    append = Journal._append

    def sabotaged(journal: Journal, record: Record) -> int:
        return journal.written if loses(record) else append(journal, record)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "_append", sabotaged)
        return judge(PLAN, rehearse(PLAN))


def kinds() -> list[str]:
    history = rehearse(PLAN)
    return sorted({str(record.__struct_config__.tag) for record in history.records} - {"run", "end", "conn"})


def test_with_nothing_lost_it_is_no_void_run(monkeypatch):
    assert judged(monkeypatch, lambda _: False).word is not Word.VOID


@pytest.mark.parametrize("kind", kinds())
def test_the_last_record_of_a_kind_that_is_lost_before_it_is_numbered_voids_the_run(monkeypatch, kind):
    count = sum(str(record.__struct_config__.tag) == kind for record in rehearse(PLAN).records)
    seen = 0

    def last(record: Record) -> bool:
        nonlocal seen
        seen += str(record.__struct_config__.tag) == kind
        return str(record.__struct_config__.tag) == kind and seen == count

    verdict = judged(monkeypatch, last)
    assert verdict.word is Word.VOID
    assert next(law.state for law in verdict.laws if law.law == "history-whole") is State.FAILED
