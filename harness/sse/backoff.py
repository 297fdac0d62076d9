"""The wait before the next attempt, as an immutable strategy: every method returns the next strategy.

With n the attempts begun since the last fresh event (or since the first attempt), and d = min(cap, base · 2ⁿ), or the
server's reconnection time where that is longer:

=====================================  ================================================================
plain                                  the share of d that the jitter allows: [d/2, d], [0, d] or d
after a ``retry`` field, now the base  [d, 1.5 d]
after a ``Retry-After`` of a seconds   [a, a + base], where a is cut to ``Policies.retry_after_max``
=====================================  ================================================================

A client may wait longer than the reconnection time, and never shorter (HTML 9.2.3): neither the cap, nor jitter, nor a
``Retry-After`` undercuts a ``retry`` field; only the policies' clamp of it does. Only evidence brings n back to 0: a
fresh event, or what the policies say instead. A wait that a signal cuts short is simply not waited out: its attempt was
counted when the wait was drawn.
"""

import random

import msgspec

from harness.sse.policy import Jitter, Policies, ResetsOn

_LARGEST_POWER = 64  # 2⁶⁴ seconds is beyond any cap, and floats end not far above 2¹⁰⁰⁰


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """The strategy between two attempts under ``policies``, before the first failure.

    ``retry`` is the server's reconnection time in seconds, as far as the policies take it; None before it gave one.
    """

    policies: Policies
    retry: float | None = None
    attempts: int = 0

    @property
    def base(self) -> float:
        """Seconds of the first delay."""
        return self.policies.backoff_base if self.retry is None else self.retry

    @property
    def delay(self) -> float:
        """d, the delay before jitter."""
        capped = min(self.policies.backoff_cap, self.base * 2.0 ** min(self.attempts, _LARGEST_POWER))
        return max(capped, self.retry or 0.0)

    def after_failure(self, rng: random.Random, retry_after: float | None = None) -> "tuple[float, Backoff]":
        """Draw the wait after an attempt that ended, however it ended.

        ``retry_after`` is what the response asked for, in seconds, as ``parse_retry_after`` returns it.
        """
        jitter = self.policies.jitter
        put_off = self.policies.heed_retry_after(retry_after)
        if put_off is not None:
            low = max(put_off, self.retry or 0.0)
            high = low + self.base
        elif self.retry is not None:
            low, high = self.delay, 1.5 * self.delay
        else:
            share = {Jitter.HALF: 0.5, Jitter.FULL: 0.0, Jitter.NONE: 1.0}[jitter]
            low, high = share * self.delay, self.delay
        # Drawn even where it changes nothing, so that a policy does not shift the generator for its other users.
        drawn = rng.random()
        wait = low if jitter is Jitter.NONE else low + (high - low) * drawn
        return wait, self.at_once()

    def at_once(self) -> "Backoff":
        """Count an attempt that no wait precedes: after a token refresh, a signal, or while polling."""
        return msgspec.structs.replace(self, attempts=self.attempts + 1)

    def after_event(self) -> "Backoff":
        """Start over: a fresh event is proof that the stream works."""
        return msgspec.structs.replace(self, attempts=0)

    def after_open(self) -> "Backoff":
        """Start over where the policy takes an open stream for proof."""
        return self.after_event() if self.policies.backoff_resets_on is ResetsOn.OPEN else self

    def after_clean_end(self, open_for: float) -> "Backoff":
        """Start over where a stream that the server ended in good order had lived for at least the cap."""
        return self.after_event() if open_for >= self.policies.backoff_cap else self

    def after_retry(self, seconds: float) -> "Backoff":
        """Take the server's reconnection time, clamped by the policy, as the base from now on."""
        return msgspec.structs.replace(self, retry=self.policies.clamp_retry(seconds))
