"""The stretches of time a verdict carries, for shading a picture: outages, steady windows, faults."""

from harness.judge.case import Case
from harness.judge.measures.outages import outages as outages_of
from harness.judge.measures.steady import steady
from harness.judge.verdict import OutageVerdict, Span


def outages(case: Case) -> tuple[OutageVerdict, ...]:
    """Return every client's outages."""
    if case.empty:
        return ()
    return tuple(
        OutageVerdict(
            client=client.name,
            began=outage.began,
            healed=outage.healed,
            caught_up=outage.caught_up,
            detected=outage.detected,
            attempts=outage.attempts,
        )
        for client in case.clients
        for outage in outages_of(client)
    )


def steady_windows(case: Case) -> tuple[Span, ...]:
    """Return the steady windows of the first client, labelled with their path."""
    if case.empty:
        return ()
    return tuple(Span(start=one.start, end=one.end, label=one.interval.path or "") for one in steady(case.clients[0]))


def faults(case: Case) -> tuple[Span, ...]:
    """Return from when to when the first client's network was at fault; one that never healed lasts to the end."""
    if case.empty:
        return ()
    return tuple(
        Span(start=outage.began, end=case.end if outage.healed is None else outage.healed, label=outage.struck)
        for outage in outages_of(case.clients[0])
    )
