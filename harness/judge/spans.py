"""The stretches of time a verdict carries, for shading a picture: outages, steady windows, faults."""

from harness.judge.case import Case
from harness.judge.facts.steady import steady
from harness.judge.outages import outages as outages_of
from harness.judge.verdict import OutageVerdict, Span


def outages(case: Case) -> tuple[OutageVerdict, ...]:
    """Return every client's outages."""
    if case.empty:
        return ()
    return tuple(
        OutageVerdict(
            client=client.name,
            began=lapse.began,
            healed=lapse.healed,
            caught_up=lapse.caught_up,
            detected=lapse.detected,
            attempts=lapse.attempts,
        )
        for client in case.clients
        for lapse in outages_of(client)
    )


def steady_windows(case: Case) -> tuple[Span, ...]:
    """Return the steady windows of the first client, labelled with their path."""
    if case.empty:
        return ()
    return tuple(Span(start=one.start, end=one.end, label=one.spell.path or "") for one in steady(case.clients[0]))


def faults(case: Case) -> tuple[Span, ...]:
    """Return from when to when the first client's network was at fault; one that never healed lasts to the end."""
    if case.empty:
        return ()
    return tuple(
        Span(start=lapse.began, end=case.end if lapse.healed is None else lapse.healed, label=lapse.struck)
        for lapse in outages_of(case.clients[0])
    )
