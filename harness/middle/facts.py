"""The recorded facts of a request's and an answer's head, without their secrets."""

import re

import h11

from harness.history.records import Request, Response
from harness.middle.heads import address_of, media_type
from harness.middle.kinds import EVENT_STREAM, RequestKinds
from harness.middle.replies import Reply

REDACTED = "[redacted]"

_TELLING = re.compile(r"token|secret|password|passwd|signature|credential|auth|jwt|session|api[-_.]?key", re.IGNORECASE)
_USER = re.compile(r"^([a-z][a-z0-9+.-]*:)?//[^/]*@", re.IGNORECASE)
_EXACT = frozenset({"key", "sig", "code", "pwd", "sid"})


def of_request(
    head: h11.Request, headers: dict[str, str], *, rid: int, cid: int, client: str, kinds: RequestKinds
) -> Request:
    """Return the record of a request."""
    method, target = head.method.decode("latin-1"), head.target.decode("latin-1")
    path, origin = address_of(target, headers.get("host", ""))
    accept = headers.get("accept", "")
    what, job = kinds.classify(method, path, accept)
    shown, secret = redact(target)
    return Request(
        rid=rid,
        cid=cid,
        client=client,
        what=what,
        method=method,
        target=shown,
        job=job,
        last_event_id=headers.get("last-event-id"),
        token=secret or "authorization" in headers,
        origin=origin,
        accepts_events=what != "stream" or EVENT_STREAM in accept.lower(),
    )


def of_response(status: int, headers: dict[str, str], *, rid: int, cid: int) -> Response:
    """Return the record of a server's answer."""
    return Response(
        rid=rid,
        cid=cid,
        status=status,
        content_type=media_type(headers),
        retry_after=headers.get("retry-after", ""),
        date=headers.get("date", "") if "retry-after" in headers else "",
        location=redact(headers.get("location", ""))[0],
    )


def of_reply(box: Reply, *, rid: int, cid: int) -> Response:
    """Return the record of a box's answer."""
    return Response(
        rid=rid,
        cid=cid,
        status=box.status,
        content_type=box.content_type,
        retry_after=box.retry_after,
        date=box.date,
        by="middle",
    )


def last_on_its_connection(head: h11.Request, headers: dict[str, str]) -> bool:
    """Return whether nothing can follow this request where a box answers it.

    Who expects 100 may send the body or not (RFC 9110, 10.1.1): what follows could be anything.
    """
    old = head.http_version < b"1.1"
    return old or "close" in headers.get("connection", "").lower() or "expect" in headers


def redact(url: str) -> tuple[str, bool]:
    """Return a request target or URL without its secrets, and whether there were any."""
    address, mark, query = url.partition("?")
    bare = _USER.sub(rf"\1//{REDACTED}@", address) if "@" in address else address
    if not mark:
        return bare, bare != url
    query, hash_mark, fragment = query.partition("#")
    parameters = [_parameter(part) for part in query.split("&")]
    clean = bare + mark + "&".join(parameters) + hash_mark + fragment
    return clean, clean != url


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    telling = _TELLING.search(name) or name.lower() in _EXACT
    return f"{name}={REDACTED}" if telling and equals and value else part
