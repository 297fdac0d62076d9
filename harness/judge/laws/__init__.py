"""The laws, one file each, in the order of their codes."""

from collections.abc import Iterable

from harness.errors import UsageError
from harness.judge.laws import (
    backoff,
    clean_exit,
    discreet,
    fault_seen,
    fresh,
    history_whole,
    honest_status,
    in_time,
    network_as_planned,
    no_duplicate,
    no_gap,
    one_stream,
    order,
    progress,
    prompt,
    recovery,
    resume,
    server_as_planned,
    server_frees,
    stop,
    terminal_once,
)
from harness.judge.laws.findings import Law
from harness.scenario.place import nearest

LAWS: tuple[Law, ...] = (
    fault_seen.LAW,
    history_whole.LAW,
    server_as_planned.LAW,
    network_as_planned.LAW,
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
    fresh.LAW,
)

FUNDAMENTAL = tuple(law.word for law in sorted(LAWS, key=lambda law: law.priority))
"""Their words, the most fundamental first."""


def law_named(word: str, topics: Iterable[str] = ()) -> Law:
    """Return a law by its word or code.

    Raises ``UsageError`` for any other, which names the laws, and the ``topics`` that were asked for elsewhere.
    """
    wanted = word.strip().lower()
    for law in LAWS:
        if wanted in {law.word, law.code.lower()}:
            return law
    words = [*(law.word for law in LAWS), *topics]
    known = ", ".join(words)
    raise UsageError(
        f"no law is called {word!r}{nearest(wanted, words)}: expected one of {known}, or a code, such as L2"
    )
