"""Fetches the full results of a completed job, once: again only where a transfer broke."""

import httpx
import trio

from harness.clients.callbacks import JobResults
from harness.clients.observer import Observer
from harness.clients.pause import Draws, Pause
from harness.clients.requests import Requests, WholeResponse
from harness.sse.backoff import Backoff
from harness.sse.policy import Policies
from harness.sse.response import Meaning, judge_response


async def fetch_results(
    job: str, *, requests: Requests, observer: Observer, policies: Policies, pause: Pause, draws: Draws
) -> JobResults:
    """Get the results whole. 410 means that they expired: asked once, reported so.

    A transfer that broke, a status that the policies retry and an answer of HTML (a portal's) are tried again with
    backoff, or as a ``Retry-After`` asks; ``draws`` are by the number of transfers that broke. Any other status is the
    server's last word.
    """
    backoff = Backoff(policies=policies)
    path = requests.path("results", job)
    broken = 0
    while True:
        try:
            answer = await requests.ask("GET", path, large=True)
        except httpx.HTTPError as error:
            observer.results(job, 0, b"", whole=False, detail=str(error))
        else:
            trouble = _trouble(answer)
            whole = answer.status == 200 and not trouble
            observer.results(job, answer.status, answer.body if whole else b"", whole=whole, detail=trouble)
            if whole:
                return JobResults(body=answer.body, status=200)
            verdict = judge_response(answer.status, None, policies, token_refreshed=True)
            if verdict.meaning is Meaning.STOP or answer.status == 410:
                return JobResults(status=answer.status, expired=answer.status == 410)
        broken += 1
        seconds, backoff = backoff.after_failure(draws(broken), requests.put_off(path))
        await pause.until(trio.current_time() + seconds)


def _trouble(answer: WholeResponse) -> str:
    """Say what is wrong with an answer of 200; empty where nothing is."""
    announced = answer.headers.get("content-length", "")
    if announced.isdigit() and "content-encoding" not in answer.headers and int(announced) != len(answer.body):
        return f"{len(answer.body)} of {announced} bytes came"
    if answer.media_type == "text/html":
        return "expected the results, got a web page: a portal's answer"
    return ""
