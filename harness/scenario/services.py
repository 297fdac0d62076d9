"""Deeds of the middle, the server and the job; from text to ``Act``."""

import re
from collections.abc import Callable
from typing import Any

from harness.deeds.acts import (
    Act,
    Answers,
    Buffers,
    Bursts,
    Clears,
    Drains,
    Ends,
    Hangs,
    KillsIdle,
    MutesStreams,
    Orphans,
    Pauses,
    Recovers,
    Repeats,
    ResetsStreams,
    Restarts,
    Resumes,
    RevokesToken,
    SendsRetry,
    ShowsPortal,
    SilencesKeepalive,
)
from harness.errors import UsageError
from harness.scenario.bounds import LARGEST_BUFFER
from harness.scenario.forms import Speech
from harness.units import quote, spell_size

MOST_TIMES = 10_000
"""Answers, repetitions, or events a second: more would be a test of the machine."""

MOST_IN_A_BURST = 100_000
"""Events: more would fill the memory of the machine that makes the plan."""

CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What ``failed CODE`` may say."""

_BODILESS = {101, 204, 304}
_ANSWER = (
    "answers CODE:status [retry-after DURATION:retry_after] [to streams|polls|results:to] "
    "[for DURATION:span | N:times times]"
)


def _answers(status: int, retry_after: float | None = None, to: str = "everything", times: int | None = None) -> Act:
    if status < 200:
        raise UsageError(f"expected a final status from 200 on, got {status}")
    if retry_after is not None and retry_after != int(retry_after):
        raise UsageError(f"expected whole seconds after retry-after (RFC 9110, 10.2.3), got {retry_after:g} s")
    if times is not None:
        _counted(times)
    return Answers(status=status, retry_after=retry_after, to=to, times=times)


def _counted(count: int) -> int:
    if not 0 < count <= MOST_TIMES:
        raise UsageError(f"expected a number from 1 to {MOST_TIMES}, got {count}")
    return count


def _above_zero(value: Any) -> Any:
    if not value:
        raise UsageError("expected more than zero, got 0")
    return value


def _kills(after: float, silently: str = "", code: int | None = None) -> Act:
    if code is not None and (code < 200 or code in _BODILESS):
        raise UsageError(f"expected a status that a box answers with, such as 524, got {code}")
    return KillsIdle(after=_above_zero(after), how="silently" if silently else "fin" if code is None else str(code))


def _buffers(size: int) -> Act:
    if size > LARGEST_BUFFER:
        raise UsageError(f"expected at most {spell_size(LARGEST_BUFFER)}, got {spell_size(size)}")
    return Buffers(size=_above_zero(size))


MIDDLE = Speech(
    "middle",
    "deed of the middle",
    {
        _ANSWER: _answers,
        "shows portal [for DURATION:span]": ShowsPortal,
        "mutes streams [for DURATION:span]": MutesStreams,
        "resets streams [for DURATION:span]": ResetsStreams,
        "buffers SIZE:size [for DURATION:span]": _buffers,
        "buffers each event [for DURATION:span]": lambda: Buffers(each_event=True),
        "buffers DURATION:seconds [for DURATION:span]": lambda seconds: Buffers(seconds=_above_zero(seconds)),
        "kills idle after DURATION:after [silently:silently | with CODE:code]": _kills,
        "clears": Clears,
    },
    later=("fails tls",),
)


def _restarts(keeping: bool) -> Callable[..., Act]:
    return lambda after=0.0: Restarts(keeps_log=keeping, after=after)


def _retry(value: str) -> Act:
    if len(value) > 64 or not value.isprintable():
        raise UsageError(f"expected one printable word of at most 64 signs, got {quote(value)}")
    return SendsRetry(value=value)


SERVER = Speech(
    "server",
    "deed of the server",
    {
        "restarts keeping log [after DURATION:after]": _restarts(keeping=True),
        "restarts losing log [after DURATION:after]": _restarts(keeping=False),
        "orphan for DURATION:after": lambda after: Orphans(after=_above_zero(after)),
        "drains [for DURATION:span]": Drains,
        _ANSWER: _answers,
        "hangs [for DURATION:span]": Hangs,
        "sends retry WORD:value": _retry,
        "repeats N:count [for DURATION:span]": lambda count: Repeats(count=_counted(count)),
        "revokes token": RevokesToken,
        "silences keepalive [for DURATION:span]": SilencesKeepalive,
        "recovers": Recovers,
    },
    later=("shuffles", "clock"),
)


def _bursts(rate: float, lasts: float) -> Act:
    if not 0 < rate <= MOST_TIMES:
        raise UsageError(f"expected a rate above zero and up to {MOST_TIMES}/s, got {rate:g}/s")
    if rate * lasts > MOST_IN_A_BURST:
        raise UsageError(f"expected at most {MOST_IN_A_BURST} events of one burst, got {rate * lasts:.0f}")
    return Bursts(rate=rate, lasts=_above_zero(lasts))


def _fails(code: str) -> Act:
    if CODE.fullmatch(code) is None:
        raise UsageError(f"expected a code of letters, digits, _ . and -, got {quote(code)}")
    return Ends(how="failed", code=code)


JOB = Speech(
    "job",
    "deed of the job",
    {
        "pauses [for DURATION:span]": Pauses,
        "resumes": Resumes,
        "bursts RATE:rate for DURATION:lasts": _bursts,
        "completes": lambda: Ends(how="completed"),
        "fails WORD:code": _fails,
        "times out": lambda: Ends(how="timeout"),
    },
)
