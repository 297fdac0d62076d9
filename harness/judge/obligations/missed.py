"""Which row a client missed first, of all that were due by a time."""

from harness.judge.case import ClientCase
from harness.judge.obligations.closings import closings
from harness.judge.obligations.questions import questions
from harness.judge.obligations.walk import walk


def first_missed(client: ClientCase, since: float, until: float) -> str:
    """Return what was due first, from one time to another, and came too late or never, in words; empty: nothing was.

    What stands for a policy that is declared as never counts too: a recovery waits for no such client.
    """
    case = client.case
    due = [*closings(client), *questions(client)]
    found = [(one.high, one.sentence()) for one in due if since <= one.high <= until and one.late(case)]
    dial = walk(client).first_missed(since)
    if dial is not None and dial.window.high <= until:
        found.append((dial.window.high, dial.sentence(case)))
    return min(found, default=(0.0, ""))[1]
