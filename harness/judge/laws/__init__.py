"""The laws, one file each, in the order of their codes."""

from harness.judge.laws import (
    backoff,
    clean_exit,
    discreet,
    fault_seen,
    history_whole,
    honest_status,
    in_time,
    no_duplicate,
    no_gap,
    one_stream,
    order,
    progress,
    prompt,
    recovery,
    resume,
    server_frees,
    stop,
    terminal_once,
)
from harness.judge.laws.outcome import Law

LAWS: tuple[Law, ...] = (
    fault_seen.LAW,
    history_whole.LAW,
    in_time.LAW,
    terminal_once.LAW,
    no_gap.LAW,
    no_duplicate.LAW,
    order.LAW,
    progress.LAW,
    one_stream.LAW,
    resume.LAW,
    backoff.LAW,
    recovery.LAW,
    honest_status.LAW,
    stop.LAW,
    clean_exit.LAW,
    server_frees.LAW,
    prompt.LAW,
    discreet.LAW,
)
