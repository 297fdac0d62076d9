"""The time for which a path's line was busy with a client's bytes: a narrow one needs time for a backlog (law L16)."""

import bisect
import itertools

from harness.judge.case import ClientCase
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.toxics.shape import line_time


class LineUse:
    """The bytes that reached one client's radio, as time that its path's rate and slices took for them.

    What comes on a path that is not the one in use keeps the line of that one free.
    """

    def __init__(self, client: ClientCase) -> None:
        intervals = client.once(NetworkTimeline).intervals
        paths = {conn.cid: conn.path for conn in client.conns}
        at, place, last = client.case.at, 0, 0.0
        times: list[float] = []
        took: list[float] = []
        for chunk in sorted(itertools.chain(*client.bytes_down.values()), key=lambda chunk: chunk.seq):
            now = at(chunk.t_ns)
            while place + 1 < len(intervals) and intervals[place + 1].start <= now:
                place += 1
            if paths[chunk.cid] != intervals[place].path:
                continue
            # What is let go after a stall comes at once: its bytes had passed before.
            took.append(min(line_time(intervals[place].shape, chunk.length), now - last))
            times.append(now)
            last = now
        self._times = times
        self._busy = [0.0, *itertools.accumulate(took)]

    def busy(self, start: float, end: float) -> float:
        """Return for how many seconds the line was busy between two times."""
        first, last = bisect.bisect_left(self._times, start), bisect.bisect_right(self._times, end)
        return self._busy[max(first, last)] - self._busy[first]
