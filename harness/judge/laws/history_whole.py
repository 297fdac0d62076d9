"""H1, the history is whole: no record is missing, nothing is told before what it follows from, and no byte is changed.

It judges the harness, not the client. A lost record would else be held against the party that it tells of: a journal
that dropped every fortieth record failed the client. ``seq`` says that one is missing; the numbers that each writer
gives its own say it too, and ``End`` counts all that were handed to the journal, in case it lost one unnumbered.
"""

from collections import Counter

from harness.history.records import End
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.laws.findings import Law, LawFindings
from harness.judge.laws.whole import client, messages, network, server
from harness.judge.laws.whole.ledger import Ledger, Rules
from harness.judge.laws.whole.stamps import Stamps

ADVICE = "The harness lost, misplaced or changed a record: nothing can be said of the client. Record the run again"
CAUSE = "record-missing"

MOST = 100
"""Findings: a law that is broken so often is broken."""

_WRITERS = (network, messages, server, client)
_RULES: Rules = {kind: rule for writer in _WRITERS for kind, rule in writer.RULES.items()}


def _judge(case: Case) -> LawFindings:
    outcome, ledger, stamps, due = LawFindings(), Ledger(case), Stamps(case), 1
    for record in case.history.records:
        if record.seq != due:
            missing = f"record {due}" if record.seq == due + 1 else f"records {due} to {record.seq - 1}"
            text = f"{missing} of the history is missing" if record.seq > due else f"record {record.seq} comes twice"
            outcome.fail(text, case.evidence(record, "the record behind it"), advice=ADVICE, cause=CAUSE)
        due = record.seq + 1
        rule = _RULES.get(type(record))
        stamped, ruled = stamps.check(record), rule(record, ledger) if rule is not None else ""
        for text in filter(None, (stamped, ruled)) if stamped or ruled else ():
            outcome.fail(text, case.evidence(record, text), advice=ADVICE, cause=CAUSE)
        if len(outcome.findings) >= MOST:
            return outcome
    for writer in _WRITERS:
        for record, text in writer.unfinished(ledger):
            outcome.fail(text, case.evidence(record, text), advice=ADVICE, cause=CAUSE)
    _count(case, outcome)
    outcome.hold()
    return outcome


def _count(case: Case, outcome: LawFindings) -> None:
    """Hold how many records of each kind there are against what the journal was given, and the end against the last."""
    end = case.history.end
    if end is None:
        return  # cut short
    kinds = Counter(type(record) for record in case.history.records if record.seq < end.seq)
    found = Counter({str(kind.__struct_config__.tag): count for kind, count in kinds.items()})
    for kind in sorted(found.keys() | end.counts.keys()):
        given = end.counts.get(kind, 0)
        if found[kind] != given:
            text = f"{phrases.amount(given, 'record')} of kind {kind} were written and {found[kind]} are there"
            outcome.fail(text, case.evidence(end, text), advice=ADVICE, cause=CAUSE)
    last = case.history.records[-1]
    if not isinstance(last, End):
        text = "the history goes on behind its end"
        outcome.fail(text, case.evidence(last, text), advice=ADVICE, cause=CAUSE)


LAW = Law(
    code="H1",
    word="history-whole",
    title="The history is whole",
    priority=1,
    judge=_judge,
    says="No record is missing, by the numbers that the journal and each writer gave them; what was begun has "
    "ended; nothing is told before what it follows from: no answer before its question, no event written "
    "before it was emitted, none shown before it reached the phone; and what reached the phone are the bytes "
    "that the server wrote. Where it is not so the run is void: it would else be held against whoever the "
    "record tells of.",
    breaks=("This law judges the harness, not the client: a file that was cut or changed, or a bug.",),
)
