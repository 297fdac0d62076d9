"""H2, the server as planned: it emitted what the plan says and when it says so, and each stream carried it once.

It judges the harness, not the client. What the server skipped, sent twice or sent late would else be held against a
client that never had a chance. It is judged by what it says itself and by the bytes that reached the client's socket:
a server that does wrong may also tell of it wrongly.
"""

from harness.history import Emit
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.server import ServerFacts
from harness.judge.laws.findings import Law, LawFindings
from harness.judge.laws.server.answering import answers, turned_away, unanswered
from harness.judge.laws.server.bounds import Bounds
from harness.judge.laws.server.delivering import deliveries
from harness.judge.laws.server.emitting import emissions, overdue, schedules
from harness.judge.laws.server.intending import changes
from harness.judge.laws.server.writing import streams

ADVICE = "The job server did not keep to the plan: nothing can be said of the client. Run it again, alone"
CAUSE = "server-off-plan"

RULES = (schedules, changes, emissions, overdue, streams, deliveries, answers, unanswered, turned_away)


def _judge(case: Case) -> LawFindings:
    outcome, served = LawFindings(), case.once(ServerFacts)
    if not served.epochs:
        if case.cut_short:
            outcome.doubt("no job was accepted before the run was cut short")
        else:
            outcome.skip("the server accepted no job")
        return outcome
    bounds = Bounds(case)
    for rule in RULES:
        for text, *records in rule(case, served, bounds):
            shown = [case.evidence(record, text) for record in records if record is not None]
            outcome.fail(text, *shown, advice=ADVICE, cause=CAUSE)
    events, opened = len(case.history.all(Emit)), len(served.streams)
    outcome.hold(f"{phrases.amount(events, 'event')} in time, on {phrases.amount(opened, 'stream')}")
    return outcome


LAW = Law(
    code="H2",
    word="server-as-planned",
    title="The server did as planned",
    priority=5,
    judge=_judge,
    says="The job server emitted the plan's events, each within 250 ms of its instant and none before it, and "
    "wrote each once, in order, to every stream until that had a lawful end; each reconnection was answered "
    "from the id that it asked from, unless a deed or a setting of the server says otherwise. Its jobs, its "
    "tokens, its comments and its other answers are held against the plan too. It is judged by its own "
    "records and by the bytes at the client's socket. Where it did not, the run is void: what it left out, "
    "sent twice or sent late would else be held against the client.",
    breaks=("This law judges the harness, not the client: a bug of its server, or a machine that is too busy.",),
)
