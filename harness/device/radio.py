"""The delay of a path's radio, as a pure machine: time goes in, the instant from which bytes may pass comes out.

A handshake cannot delay a kernel's connect, so it is charged before a flow's first byte. A radio that was quiet
demotes, and the next byte waits for its promotion (RRC-Probe traces: 827-1004 ms median after 13 s of quiet, with the
knee at 10 s).
"""

from harness.device.words import Radio


class RadioState:
    """One path's radio and when it was last used. All times are seconds of one clock that never goes back."""

    def __init__(self, radio: Radio) -> None:
        self.radio = radio
        self._last: float | None = None
        self._awake_at = 0.0

    def dial(self, now: float) -> float:
        """Charge a new flow; return the instant from which its bytes may pass."""
        asleep = self._quiet(now) or self.radio.wake_after == 0
        ready = self._wake(now, asleep=asleep) + self.radio.handshake
        self.use(ready)
        return ready

    def chunk(self, now: float) -> float:
        """Note bytes at the radio; return the instant from which they may pass (``now``, where it is awake).

        A ``wake_after`` of 0 is a cost of dials alone: a radio that slept between any two bytes would be a latency.
        """
        until = self._wake(now, asleep=self._quiet(now) and self.radio.wake_after > 0)
        self.use(until)
        return until

    def use(self, now: float) -> None:
        """Note bytes that are not charged."""
        self._last = now if self._last is None else max(self._last, now)

    def _quiet(self, now: float) -> bool:
        return self._last is None or now - self._last > self.radio.wake_after

    def _wake(self, now: float, *, asleep: bool) -> float:
        if asleep:
            self._awake_at = max(self._awake_at, now + self.radio.wake)
        return max(now, self._awake_at)
