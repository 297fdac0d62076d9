"""When an app whose own handler takes time is behind: replayed from the job's schedule."""

import math

from harness.judge.case import ClientCase


def behind(client: ClientCase) -> list[tuple[float, float]]:
    """Return from when to when an update waits for the handler on a flawless network: each comes when it is due."""
    policies, case = client.case.plan.client.policies, client.case
    takes = policies.handler_takes
    most = math.inf if policies.queue is None else (policies.queue + 1) * takes
    found, busy = [], 0.0
    for due in (case.at(event.intended_ns) for event in client.truth.events if takes):
        if busy > due:
            found.append((due, busy))
        busy = min(max(busy, due) + takes, due + most)
    return found
