"""The meaning of an HTTP response's head to an event source, under the client's policies."""

import email.utils
import enum
import re
from datetime import UTC

import msgspec

from harness.sse.digits import LARGEST, read_digits
from harness.sse.policy import Policies

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # a token of RFC 9110, 5.6.2
_TYPE = re.compile(rf"{_NAME}/{_NAME}").fullmatch
_TYPES = re.compile(r'((?:[^",]|"(?:[^"\\]|\\.?)*+"?+)*+),?', re.DOTALL).findall


def media_type(content_type: str | None) -> str:
    """Return the essence of a content type, in lower case; empty where there is none.

    A header that came twice is one list, of which the last type counts that is one (Fetch, *extract a MIME type*):
    a box on the way that adds its own does not hide what the server said. Commas in quotes divide nothing.
    """
    essences = (one.partition(";")[0].strip(" \t\r\n").lower() for one in _TYPES(content_type or ""))
    return next((one for one in reversed([*essences]) if _TYPE(one) and one != "*/*"), "")


class Meaning(enum.StrEnum):
    """A client's reaction to a response."""

    OPEN = "open"
    RETRY = "retry"
    STOP = "stop"
    REFRESH_TOKEN = "refresh token"  # noqa: S105 - no secret
    SNAPSHOT = "snapshot"  # the cursor is no good: ask for the status, then resume from there


class ResponseVerdict(msgspec.Struct, frozen=True):
    """The meaning of a response, and the reason in words for a log."""

    meaning: Meaning
    reason: str


def judge_response(
    status: int, content_type: str | None, policies: Policies, *, token_refreshed: bool = False
) -> ResponseVerdict:
    """Say what the head of a stream response means. Redirects have been followed before.

    ``token_refreshed``: the request already carried a token fetched because of a 401, so another 401 is like any 4xx.
    A status that no policy names is retried: only what ``stops`` names ends a job's stream.
    """
    if status == 200:
        if media_type(content_type) == "text/event-stream":
            return ResponseVerdict(Meaning.OPEN, "200 text/event-stream")
        came = "no content type" if content_type is None else repr(content_type)
        return ResponseVerdict(Meaning.RETRY, f"expected text/event-stream, got {came}")
    reason = f"status {status}"
    if status == 401 and not token_refreshed:
        return ResponseVerdict(Meaning.REFRESH_TOKEN, reason)
    if status in {409, 410}:
        return ResponseVerdict(Meaning.SNAPSHOT, reason)
    if not _matches(status, policies.retries) and _matches(status, policies.stops):
        return ResponseVerdict(Meaning.STOP, reason)
    return ResponseVerdict(Meaning.RETRY, reason)


def parse_retry_after(value: str, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for (RFC 9110, section 10.2.3), or ``None`` where it is junk.

    ``now`` is the client's wall clock in seconds since 1970, for the three forms of a date. The past is 0, and so is
    anything negative.
    """
    text = value.strip()
    if (seconds := read_digits(text)) is not None:
        return float(seconds)
    if read_digits(text.removeprefix("-")) is not None:
        return 0.0
    try:
        date = email.utils.parsedate_to_datetime(text)
        if date.tzinfo is None:  # asctime's form names no zone, and means UTC
            date = date.replace(tzinfo=UTC)
        return min(max(0.0, date.timestamp() - now), float(LARGEST))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def read_retry_after(value: str | None, date: str, now: float | None) -> float | None:
    """Return the seconds that an answer asks for by ``Retry-After``; ``None`` where it does not, or not in earnest.

    A date is counted from the answer's own ``date`` (the value of ``Date``, empty without one), since the server's
    clock may be wrong; else from ``now``, the client's wall clock, where it has one.
    """
    if value is None:
        return None
    if read_digits(value.strip()) is not None:
        return parse_retry_after(value, 0.0)
    now = parse_retry_after(date, 0.0) or now
    return None if now is None else parse_retry_after(value, now)


def _matches(status: int, patterns: tuple[str, ...]) -> bool:
    return str(status) in patterns or f"{status // 100}xx" in patterns
