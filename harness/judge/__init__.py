"""The judge: pure functions from (plan, history) to a verdict.

A package imports only from those before it, and a test holds that: ``case`` and ``facts``, what happened;
``obligations``, what a client owed next; ``measures``, what the run amounts to in figures; ``explain``, why something
failed; ``laws``, what must be true; ``expectations`` and ``judge``, the verdict.
"""

from harness.judge.judge import by_cause as by_cause
from harness.judge.judge import judge as judge
from harness.judge.judge import order as order
from harness.judge.verdict import Verdict as Verdict
