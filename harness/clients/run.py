"""The reference client, or a mutant of it, as the harness runs it, with an app that records what it is told."""

from collections.abc import Callable

import msgspec

from harness.chance import Chance
from harness.clients.app import RecordingApp
from harness.clients.callbacks import JobOutcome
from harness.clients.client import SSEClient
from harness.clients.journaling import JournalObserver
from harness.clients.mutants import Mutant, mutant
from harness.clients.requests import Endpoints
from harness.history.journal import Journal
from harness.scenario.model import ClientSpec
from harness.seams import Phone
from harness.sse.policy import Ids


async def run_reference(
    *,
    name: str,
    base_url: str,
    spec: ClientSpec,
    phone: Phone,
    journal: Journal,
    chance: Chance,
    wall_clock: Callable[[], float],
    body: bytes = b"{}",
    endpoints: Endpoints | None = None,
    planted: Mutant | None = None,
) -> JobOutcome:
    """Start a job and follow it to its end; N clients are N calls, each with its own ``name`` and ``phone``.

    Where the spec names a mutant, or one is ``planted``, it is that one; the spec's policies are then what it declares,
    not what it does.
    Raises ``PeerError`` where no job could be started, ``UsageError`` for a mutant that does not exist.
    """
    planted = planted or mutant(spec.mutant)
    policies = planted.policies(spec.policies)
    if policies.ids is None:
        policies = msgspec.structs.replace(policies, ids=Ids.EPOCH_INDEX)  # as the harness's server documents
    app = RecordingApp(name, journal, takes=policies.handler_takes, phone=phone)
    async with SSEClient(
        base_url,
        policies=policies,
        decisions=planted.decisions,
        follower=planted.follower,
        phone=phone,
        observer=JournalObserver(name, journal, app),
        draws=lambda attempt: chance.stream("backoff", name, attempt),
        wall_clock=wall_clock,
        endpoints=endpoints,
    ) as client:
        job = await client.start(body)
        outcome = await client.follow(job, app.callbacks(job))
    app.results(job, outcome.results)
    return outcome
