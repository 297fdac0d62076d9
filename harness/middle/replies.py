"""The answers that a box gives in the server's place, as bytes."""

import email.utils
import math
from http import HTTPStatus

import msgspec

from harness.deeds.acts import Answers, ShowsPortal

PORTAL = (
    b"<!doctype html><html><head><title>Welcome</title></head><body><h1>Welcome to this network</h1>"
    b"<p>Accept the terms of use to go online.</p></body></html>\n"
)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: its bytes, what of it is recorded, and whether the connection ends behind it."""

    status: int
    content_type: str
    retry_after: str
    date: str  # of an answer whose ``Retry-After`` is one
    raw: bytes
    head: int  # bytes of the head
    closes: bool


def reply(act: Answers | ShowsPortal, *, method: bytes, closes: bool, now: float) -> Reply:
    """Return a box's answer to a request of this method. ``now``: seconds since 1970."""
    if isinstance(act, ShowsPortal):
        return _reply(200, "text/html", PORTAL, method=method, closes=closes)
    if act.retry_after is None:
        return plain(act.status, method=method, closes=closes)
    seconds, said = math.ceil(act.retry_after), math.floor(now)
    if act.dated:
        return plain(act.status, method=method, closes=closes, after=_dated(said + seconds), date=_dated(said))
    return plain(act.status, method=method, closes=closes, after=str(seconds))


def plain(status: int, *, method: bytes, closes: bool, after: str = "", date: str = "") -> Reply:
    """Return an answer of this status, with its phrase as the body."""
    body = f"{status} {phrase(status)}\n".encode()
    return _reply(status, "text/plain", body, method=method, closes=closes, after=after, date=date)


def _dated(seconds: int) -> str:
    """Return seconds since 1970 as an IMF-fixdate (RFC 9110, 5.6.7): ``Thu, 01 Jan 2026 00:00:05 GMT``."""
    return email.utils.formatdate(seconds, usegmt=True)


def phrase(status: int) -> str:
    """Return the status's reason phrase; boxes have codes of their own (524), which have none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _reply(
    status: int, content_type: str, body: bytes, *, method: bytes, closes: bool, after: str = "", date: str = ""
) -> Reply:
    bodiless = status in {204, 304}
    lines = [f"HTTP/1.1 {status} {phrase(status)}"]
    if not bodiless:
        lines += [f"Content-Type: {content_type}; charset=utf-8", f"Content-Length: {len(body)}"]
    lines.append("Cache-Control: no-store")
    if date:
        lines.append(f"Date: {date}")
    if after:
        lines.append(f"Retry-After: {after}")
    if closes:
        lines.append("Connection: close")
    head = "\r\n".join([*lines, "", ""]).encode()
    if bodiless or method == b"HEAD":
        body = b""
    return Reply(
        status=status,
        content_type="" if bodiless else content_type,
        retry_after=after,
        date=date,
        raw=head + body,
        head=len(head),
        closes=closes,
    )
