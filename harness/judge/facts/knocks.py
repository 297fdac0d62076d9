"""When the host's kernel sends a SYN again: what a dial that hangs waits for, once its door opens."""

from harness.judge.case import ClientCase
from harness.scenario.deadlines import LINUX_SYN_RETRIES


def syn_retries(client: ClientCase) -> tuple[float, ...]:
    """Return the host's schedule of SYN retries, as the run's facts have it."""
    run = client.case.history.run
    text = run.facts.get("syn_retries_at", "") if run else ""
    try:
        return tuple(float(part.removesuffix("s")) for part in text.split()) or LINUX_SYN_RETRIES
    except ValueError:
        return LINUX_SYN_RETRIES
