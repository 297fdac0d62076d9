"""The backlog of an app whose own handler takes time: when it is behind, and for how long after an outage.

Replayed from the job's schedule, from when the radio had each update, and from the phone's sleep; never from what the
client says of itself.
"""

import bisect
import math
from collections.abc import Callable

from harness.judge.case import ClientCase
from harness.judge.sky import Sky


def worked_off(client: ClientCase, began: float, until: float) -> float:
    """Return for how long after ``until`` the handler may work on what piled up by then, in seconds.

    What is due from ``began`` on comes at ``until``, all at once. The handler had its work before, too; what comes
    meanwhile waits its turn, and never behind more than a queue.
    """
    policies, case = client.case.plan.client.policies, client.case
    takes = policies.handler_takes
    if not takes:
        return 0.0
    most = math.inf if policies.queue is None else (policies.queue + 1) * takes
    reached, asleep = _reached(client), client.once(Sky).asleep
    busy = 0.0
    for due in (case.at(event.intended_ns) for event in client.truth.events):
        if due > max(until, busy):
            break
        comes = until if began <= due < until else min(reached(due), until) if due < began else due
        busy = min(_awake_for(takes, max(busy, comes), asleep), _awake_for(most, comes, asleep))
    return max(0.0, busy + takes - until)


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


def _reached(client: ClientCase) -> Callable[[float], float]:
    """Return what tells when an update that was due then had reached the radio: with the first bytes from then on."""
    asked = {request.cid for request in client.requests if request.what in {"stream", "poll"}}
    down = [client.case.at(chunk.t_ns) for cid in asked for chunk in client.bytes_down.get(cid, [])]
    down.sort()

    def reached(due: float) -> float:
        place = bisect.bisect_left(down, due)
        return down[place] if place < len(down) else math.inf

    return reached


def _awake_for(seconds: float, start: float, asleep: list[tuple[float, float]]) -> float:
    """Return the end of so much work, begun at ``start``: a handler sleeps with its phone."""
    end = start + seconds
    for since, until in asleep:
        if since < end and until > start:
            end += until - max(since, start)
    return end
