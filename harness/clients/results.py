"""Fetches the full results of a completed job, once: again only where a transfer broke."""

from collections.abc import Awaitable, Callable

import httpx

from harness.clients.callbacks import Results
from harness.clients.courier import Answer, Courier
from harness.clients.observer import Observer

Wait = Callable[[int], Awaitable[None]]
"""Sleep out the backoff after this many transfers that broke."""


async def fetch_results(
    job: str, *, courier: Courier, observer: Observer, retries: Callable[[int], bool], wait: Wait
) -> Results:
    """Get the results whole. 410 means that they expired: asked once, reported so.

    A transfer that broke, a status that ``retries`` and an answer of HTML (a portal's) are tried again after ``wait``;
    any other status is the server's last word, and comes back as it is.
    """
    path = courier.endpoints.results.replace(":job", job)
    broken = 0
    while True:
        try:
            answer = await courier.ask("GET", path)
        except httpx.HTTPError as error:
            observer.results(job, 0, b"", whole=False, detail=str(error))
        else:
            trouble = _trouble(answer)
            whole = answer.status == 200 and not trouble
            observer.results(job, answer.status, answer.body if whole else b"", whole=whole, detail=trouble)
            if whole:
                return Results(body=answer.body, status=200)
            if answer.status != 200 and not retries(answer.status):
                return Results(status=answer.status, expired=answer.status == 410)
        broken += 1
        await wait(broken)


def _trouble(answer: Answer) -> str:
    """Say what is wrong with an answer of 200; empty where nothing is."""
    announced = answer.headers.get("content-length", "")
    if announced.isdigit() and "content-encoding" not in answer.headers and int(announced) != len(answer.body):
        return f"{len(answer.body)} of {announced} bytes came"
    if answer.media_type == "text/html":
        return "expected the results, got a web page: a portal's answer"
    return ""
