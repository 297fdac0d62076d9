"""The laws, one file each, in the order of their codes."""

from harness.judge.laws import fault_seen, no_duplicate, no_gap, terminal_once
from harness.judge.laws.outcome import Law

LAWS: tuple[Law, ...] = (fault_seen.LAW, terminal_once.LAW, no_gap.LAW, no_duplicate.LAW)
