"""The mutants by name."""

import math
from collections.abc import Callable

import msgspec

from harness.clients.mutants.clinging import KeepsTwoStreams, NeverReturns, WaitsOutDial
from harness.clients.mutants.mutant import Mutant
from harness.clients.mutants.numbering import DedupesAcrossEpochs
from harness.clients.mutants.resuming import CommitsIdEarly, ForgetsIdAfterEmpty, ForgetsLastId
from harness.clients.mutants.trusting import ParsesAny200, TrustsSilent200
from harness.errors import UsageError
from harness.sse.policy import FedBy, Jitter, Policies, ResetsOn

HASTY = 5.0
"""The watchdog of ``short-watchdog`` in seconds: what an HTTP library's default read timeout may be."""


def having(**changes: object) -> Callable[[Policies], Policies]:
    """Return what puts these policies in place of the declared ones."""
    return lambda policies: msgspec.structs.replace(policies, **changes)


def _hurried(policies: Policies) -> Policies:
    return msgspec.structs.replace(policies, watchdog=min(HASTY, policies.watchdog or math.inf))


REFERENCE_CLIENT = Mutant(name="", stands_for="the reference client: no bug is planted")

_ALL = (
    Mutant(
        name="no-watchdog",
        stands_for="a half-open connection is read for ever: kylepelham/Drift 15, dehora/nakadi-java 21",
        policies=having(watchdog=None),
    ),
    Mutant(
        name="events-only-watchdog",
        stands_for="keep-alive comments are no life, so a quiet job churns: heremaps/oksse 21",
        policies=having(watchdog_fed_by=FedBy.EVENTS),
    ),
    Mutant(
        name="short-watchdog",
        stands_for="slow is taken for dead, by a default of 5 s: dhyansraj/mcp-mesh 267",
        policies=_hurried,
    ),
    Mutant(
        name="resets-backoff-on-connect",
        stands_for="an open stream is taken for a working one: launchdarkly/swift-eventsource PR 14 and 19",
        policies=having(backoff_resets_on=ResetsOn.OPEN),
    ),
    Mutant(
        name="forgets-last-id",
        stands_for="the position is not sent: rtfol/aiohttp-sse-client PR 3, athrvk/vayu 21",
        decisions=ForgetsLastId,
    ),
    Mutant(
        name="forgets-id-after-empty",
        stands_for="the position is lost with an empty connection: modelcontextprotocol/typescript-sdk 2499",
        decisions=ForgetsIdAfterEmpty,
    ),
    Mutant(
        name="commits-id-early",
        stands_for="an event cut short is skipped: fern-api/fern PR 16888, launchdarkly/swift-eventsource PR 40",
        decisions=CommitsIdEarly,
    ),
    Mutant(
        name="dedupes-across-epochs",
        stands_for="a restarted server is mute, its ids being old: kenn-io/forge PR 360",
        decisions=DedupesAcrossEpochs,
    ),
    Mutant(
        name="no-jitter",
        stands_for="a herd returns as one: launchdarkly/java-server-sdk 74, launchdarkly/okhttp-eventsource PR 49",
        policies=having(jitter=Jitter.NONE),
    ),
    Mutant(
        name="waits-out-dial",
        stands_for="a dial into a dead network is never given up: dzianisv/opencode-mobile 186",
        policies=having(connect_timeout=None),
        decisions=WaitsOutDial,
    ),
    Mutant(
        name="keeps-two-streams",
        stands_for="reconnections multiply: EventSource/eventsource 57 and 89, launchdarkly/js-core 633",
        follower=KeepsTwoStreams,
    ),
    Mutant(
        name="parses-any-200",
        stands_for="a captive portal's page is an open stream: SignalR/SignalR 1817, shuv1337/oc-web 143",
        decisions=ParsesAny200,
    ),
    Mutant(
        name="never-falls-back",
        stands_for="a firewall leaves the app without news: ParabolInc/parabol 2664, coder/agentapi 204",
        policies=having(polls_after_failures=None),
    ),
    Mutant(
        name="never-returns",
        stands_for="a passing trouble costs the stream for good: vaadin/flow 20747",
        decisions=NeverReturns,
    ),
    Mutant(
        name="trusts-silent-200",
        stands_for="a box that holds the stream back: Fyrd/caniuse PR 2148, windmill-labs/windmill PR 10716",
        decisions=TrustsSilent200,
    ),
)

MUTANTS: dict[str, Mutant] = {one.name: one for one in _ALL}
"""All of them, by the names that scenarios use."""


def mutant(name: str) -> Mutant:
    """Return the client of this name; ``""`` is the reference. Raises ``UsageError`` for a name that is none."""
    if not name:
        return REFERENCE_CLIENT
    if name not in MUTANTS:
        raise UsageError(f"expected the name of a mutant, one of {', '.join(MUTANTS)}, got {name!r}")
    return MUTANTS[name]
