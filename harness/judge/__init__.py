"""Laws and measures: pure functions of (plan, history)."""

from harness.judge.judge import by_cause as by_cause
from harness.judge.judge import judge as judge
from harness.judge.judge import order as order
from harness.judge.verdict import Verdict as Verdict
