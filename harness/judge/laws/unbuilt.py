"""Laws that are not built yet: each says so in every verdict, and none is ever taken for held."""

from harness.judge.case import Case
from harness.judge.laws.outcome import Law, Outcome


def _judge(_case: Case) -> Outcome:
    outcome = Outcome()
    outcome.skip("not built yet")
    return outcome


SERVER_FREES = Law(code="L13", word="server-frees", judge=_judge)
DISCREET = Law(code="L15", word="discreet", judge=_judge)
