"""The mutants by name."""

import math
from collections.abc import Callable
from functools import partial

import msgspec

from harness.clients.mutants import asking, delaying, ending, framing, misreporting, parsing, pretending, waiting
from harness.clients.mutants.clinging import KeepsTwoStreams, NeverReturns, WaitsOutAnswer, WaitsOutDial
from harness.clients.mutants.mutant import Mutant
from harness.clients.mutants.resuming import (
    CommitsIdEarly,
    DedupesAcrossEpochs,
    DedupesByLastId,
    ForgetsIdAfterEmpty,
    ForgetsLastId,
    FreezesFirstId,
    ReplaysHistory,
)
from harness.clients.mutants.trusting import LoopsOn401, ParsesAny200, TrustsSilent200
from harness.errors import UsageError
from harness.sse.parser import Parser
from harness.sse.policy import FedBy, Jitter, Policies, ResetsOn

HASTY = 5.0
"""The watchdog of ``short-watchdog`` in seconds: what an HTTP library's default read timeout may be."""

FEW_ATTEMPTS = 3
"""Attempts that ``gives-up`` makes: the default of a client that gave up."""


TIMES = 2.0
"""The factor by which ``doubles-watchdog`` listens to a silence longer than it declares."""

LONGER = 5.0
"""Seconds beyond its connect deadline for which ``overstays-dial`` lets a dial hang."""


def with_policies(**changes: object) -> Callable[[Policies], Policies]:
    """Return what puts these policies in place of the declared ones."""
    return lambda policies: msgspec.structs.replace(policies, **changes)


def _hurried(policies: Policies) -> Policies:
    return msgspec.structs.replace(policies, watchdog=min(HASTY, policies.watchdog or math.inf))


def _unwavering(policies: Policies) -> Policies:
    base = policies.backoff_base
    return msgspec.structs.replace(policies, server_retry_min=base, server_retry_max=base)


def _impatient(policies: Policies) -> Policies:
    return msgspec.structs.replace(policies, backoff_cap=policies.backoff_base)


def _doubled(policies: Policies) -> Policies:
    return msgspec.structs.replace(policies, backoff_base=2 * policies.backoff_base)


def _deafened(policies: Policies) -> Policies:
    return msgspec.structs.replace(policies, watchdog=TIMES * (policies.watchdog or math.inf))


def _lingering(policies: Policies) -> Policies:
    return msgspec.structs.replace(policies, connect_timeout=LONGER + (policies.connect_timeout or math.inf))


def _parser(name: str, stands_for: str, kind: type[Parser]) -> Mutant:
    return Mutant(name=name, stands_for=stands_for, decisions=partial(parsing.ParsesWith, kind=kind))


REFERENCE_CLIENT = Mutant(name="", stands_for="the reference client: no bug is planted")

_ALL = (
    Mutant(
        name="no-watchdog",
        stands_for="a half-open connection is read for ever: kylepelham/Drift 15, dehora/nakadi-java 21",
        policies=with_policies(watchdog=None),
    ),
    Mutant(
        name="events-only-watchdog",
        stands_for="keep-alive comments are no life, so a quiet job churns: heremaps/oksse 21",
        policies=with_policies(watchdog_fed_by=FedBy.EVENTS),
    ),
    Mutant(
        name="short-watchdog",
        stands_for="slow is taken for dead, by a default of 5 s: dhyansraj/mcp-mesh 267",
        policies=_hurried,
    ),
    Mutant(
        name="resets-backoff-on-connect",
        stands_for="an open stream is taken for a working one: launchdarkly/swift-eventsource PR 14 and 19",
        policies=with_policies(backoff_resets_on=ResetsOn.OPEN),
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
        policies=with_policies(jitter=Jitter.NONE),
    ),
    Mutant(
        name="waits-out-dial",
        stands_for="a dial into a dead network is never given up: dzianisv/opencode-mobile 186",
        policies=with_policies(connect_timeout=None),
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
        policies=with_policies(polls_after_failures=None),
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
    Mutant(
        name="freezes-first-id",
        stands_for="the first position is sent for ever: EventSource/eventsource 27, "
        "joshmossas/event-source-plus PR 26",
        decisions=FreezesFirstId,
    ),
    Mutant(
        name="replays-history",
        stands_for="a replay of everything is shown again: athrvk/vayu 21, r3labs/sse 61 and 52",
        decisions=ReplaysHistory,
    ),
    Mutant(
        name="glues-connections",
        stands_for="the parser keeps what a cut left over: launchdarkly/swift-eventsource PR 40",
        decisions=parsing.GluesConnections,
    ),
    Mutant(
        name="dispatches-at-eof",
        stands_for="an event cut short is dispatched: apache/cxf PR 825, universal-tool-calling-protocol/python-utcp "
        "PR 103",
        decisions=parsing.DispatchesAtEof,
    ),
    _parser(
        "one-event-late",
        "an event is held until the next one comes: mpetazzoni/sseclient 6",
        parsing.OneEventLate,
    ),
    _parser(
        "fills-buffer",
        "an event is held until a buffer is full: btubbs/sseclient 9 and 63",
        parsing.FillsBuffer,
    ),
    _parser(
        "splits-crlf",
        "a CRLF that two reads share ends an event early: rexxars/eventsource-parser 17, Effect-TS/effect PR 6954",
        parsing.SplitsCrlf,
    ),
    _parser(
        "withholds-cr",
        "an event ended by CR is held until the next one: a2aproject/a2a-js 714",
        parsing.WithholdsCr,
    ),
    _parser(
        "decodes-chunks",
        "a character that two reads share is broken: teunlao/swift-ai-sdk PR 15, librefang/librefang 3448",
        parsing.DecodesChunks,
    ),
    _parser(
        "splits-on-unicode",
        "U+2028 and its like end a line: florimondmanca/httpx-sse 34, mpetazzoni/sseclient 9",
        parsing.SplitsOnUnicode,
    ),
    _parser(
        "shows-phantoms",
        "a comment is an empty event once there was an id: florimondmanca/httpx-sse 35, a2aproject/a2a-python PR 636",
        parsing.ShowsPhantoms,
    ),
    _parser(
        "drops-remainder",
        "each read is taken for whole events: btubbs/sseclient 28 and 34",
        parsing.DropsRemainder,
    ),
    _parser(
        "drops-blank-lines",
        "blank lines are left out, and no event ends: Ichigo3766/Open-Relay 219",
        parsing.DropsBlankLines,
    ),
    _parser(
        "misnumbers-bursts",
        "events of a burst have the last one's id: inaka/EventSource PR 98",
        parsing.MisnumbersBursts,
    ),
    _parser(
        "keeps-bom",
        "a BOM is a part of the first field's name: assistant-ui/assistant-ui PR 6954, rossoctl/cortex PR 1034",
        framing.KeepsBom,
    ),
    _parser(
        "needs-space",
        "`data:` without a space is not seen: openai/openai-python 498, ag-ui-protocol/ag-ui PR 772",
        framing.NeedsSpace,
    ),
    _parser(
        "blanks-id",
        "an event without an id blanks it: EventSource/eventsource PR 358, launchdarkly/ruby-eventsource PR 26",
        framing.BlanksId,
    ),
    Mutant(
        name="dedupes-by-last-id",
        stands_for="an event without an id is a repeat of the one before it, whose id it is told with",
        decisions=DedupesByLastId,
    ),
    _parser(
        "skips-id-blocks",
        "an id without an event is overlooked: modelcontextprotocol/go-sdk 768",
        framing.SkipsIdBlocks,
    ),
    _parser(
        "loses-late-ids",
        "an id behind the data is lost: ReactiveX/RxNetty 554",
        framing.LosesLateIds,
    ),
    Mutant(
        name="refuses-parameters",
        stands_for="`; charset=utf-8` is no event stream: Azure/fetch-event-source 1, adamchel/rn-eventsource 25",
        decisions=framing.RefusesParameters,
    ),
    _parser(
        "ends-at-lf",
        "an event ends at LF LF alone: hey-api/hey-api PR 3055, mpetazzoni/sse.js 36",
        framing.EndsAtLf,
    ),
    _parser(
        "discards-cr",
        "a CR alone ends no line: stalwartlabs/jmap-client 23",
        framing.DiscardsCr,
    ),
    Mutant(
        name="ignores-retry",
        stands_for="`retry:` changes nothing: modelcontextprotocol/kotlin-sdk 590, launchdarkly/dotnet-eventsource 37",
        policies=_unwavering,
    ),
    Mutant(
        name="ignores-retry-after",
        stands_for="Retry-After changes nothing: resteasy/resteasy PR 1443",
        policies=with_policies(obeys_retry_after=False),
    ),
    Mutant(
        name="never-backs-off",
        stands_for="each wait is the first one: launchdarkly/js-core PR 463, fanout/reconnecting-eventsource 73",
        policies=_impatient,
    ),
    Mutant(
        name="never-stops",
        stands_for="204 and 404 are tried again for ever: EventSource/eventsource 14, eclipse-ee4j/jersey 6119",
        policies=with_policies(stops=()),
    ),
    Mutant(
        name="loops-on-401",
        stands_for="a new token that is refused is renewed at once: OpenMeet-Team/openmeet-platform PR 414",
        decisions=LoopsOn401,
    ),
    Mutant(
        name="stops-at-5xx",
        stands_for="a passing trouble of the server is the end: galaxyproject/galaxy PR 22629, Yaffle/EventSource 88",
        policies=with_policies(retries=(), stops=("204", "4xx", "5xx")),
    ),
    Mutant(
        name="gives-up",
        stands_for="few attempts, and silence: GoogleCloudPlatform/scion PR 1258, r3labs/sse 147",
        policies=with_policies(gives_up_after=FEW_ATTEMPTS),
    ),
    Mutant(
        name="stops-at-eof",
        stands_for="the server's end of a connection is the end: r3labs/sse 147, langchain-ai/langgraphjs PR 2708",
        decisions=ending.StopsAtEof,
    ),
    Mutant(
        name="dies-of-errors",
        stands_for="an error of the connection ends the loop: rtfol/aiohttp-sse-client 307, btubbs/sseclient 52",
        decisions=ending.DiesOfErrors,
    ),
    Mutant(
        name="deaf-to-signals",
        stands_for="a new network waits for the timer: dzianisv/opencode-mobile 186",
        policies=with_policies(heeds_signals=False),
    ),
    Mutant(
        name="limits-streams",
        stands_for="a request's deadline ends a live stream: rtfol/aiohttp-sse-client 2, aio-libs/aiohttp 4770",
        follower=ending.LimitsStreams,
    ),
    Mutant(
        name="drops-newest",
        stands_for="a full queue has no room for the end: bytedance/deer-flow PR 1695",
        decisions=ending.DropsNewest,
    ),
    Mutant(
        name="clears-queue",
        stands_for="the end is shown at once, and what waited before it never",
        decisions=ending.ClearsQueue,
    ),
    Mutant(
        name="queues-one",
        stands_for="one update waits behind a callback, where as many may as it declares",
        policies=with_policies(queue=1),
    ),
    Mutant(
        name="queues-all",
        stands_for="every update waits behind a callback, and the screen shows what was long ago",
        policies=with_policies(queue=None),
    ),
    Mutant(
        name="serves-newest",
        stands_for="behind a callback the newest update replaces all that wait",
        decisions=pretending.ServesNewest,
    ),
    Mutant(
        name="merges-queue",
        stands_for="a queue that is full is emptied for the newest update",
        decisions=pretending.MergesQueue,
    ),
    Mutant(
        name="reconnects-after-end",
        stands_for="a reconnection outlives the end: launchdarkly/swift-eventsource PR 42, "
        "EventSource/eventsource PR 24",
        follower=ending.ReconnectsAfterEnd,
    ),
    Mutant(
        name="fetches-results-twice",
        stands_for="the end is handled twice: bigskysoftware/htmx-extensions 16",
        follower=ending.FetchesResultsTwice,
    ),
    Mutant(
        name="drops-every-second",
        stands_for="updates are thinned out, and called coalesced",
        follower=pretending.DropsEverySecond,
    ),
    _parser(
        "shows-newest-first",
        "a burst is read from its end, and the rest called late",
        pretending.ShowsNewestFirst,
    ),
    _parser(
        "drops-cr-lines",
        "CR alone ends no line: only a poll at the end is ever shown",
        pretending.DropsCrLines,
    ),
    Mutant(
        name="polls-for-replay",
        stands_for="a snapshot in place of a replay, and called polling",
        follower=pretending.PollsForReplay,
    ),
    Mutant(
        name="asks-at-each-dial",
        stands_for="a snapshot at each reconnection, also while the path is down",
        follower=pretending.AsksAtEachDial,
    ),
    Mutant(
        name="sits-on-connection",
        stands_for="what a new connection brings is kept for 12 s",
        follower=delaying.SitsOnConnection,
    ),
    Mutant(
        name="shows-late",
        stands_for="each update is shown 2.5 s after it came",
        follower=delaying.ShowsLate,
    ),
    Mutant(
        name="says-polling",
        stands_for="each wait is 50 ms, and called polling",
        follower=waiting.SaysPolling,
    ),
    Mutant(
        name="ignores-stream-retry-after",
        stands_for="Retry-After is read of polls alone",
        follower=waiting.IgnoresStreamRetryAfter,
    ),
    Mutant(
        name="ignores-poll-retry-after",
        stands_for="Retry-After is read of streams alone",
        follower=waiting.IgnoresPollRetryAfter,
    ),
    Mutant(
        name="reads-only-seconds",
        stands_for="a Retry-After that is a date is not read: jakartaee/rest 670",
        follower=waiting.ReadsOnlySeconds,
    ),
    Mutant(
        name="asks-six-tokens",
        stands_for="whoever was refused asks for a token of its own",
        follower=waiting.AsksSixTokens,
    ),
    Mutant(
        name="reconnects-late",
        stands_for="a wait is longer than a recovery may take",
        follower=waiting.ReconnectsLate,
    ),
    Mutant(
        name="one-row-late",
        stands_for="each wait is that of one attempt more",
        policies=_doubled,
    ),
    Mutant(
        name="doubles-watchdog",
        stands_for="a silent stream is let go of after twice the time that is declared",
        policies=_deafened,
    ),
    Mutant(
        name="overstays-dial",
        stands_for="a dial that hangs is given up 5 s after the declared deadline",
        policies=_lingering,
    ),
    Mutant(
        name="waits-out-answer",
        stands_for="a stream's answer is waited for as long as the connection stands",
        follower=WaitsOutAnswer,
    ),
    Mutant(
        name="starts-late",
        stands_for="the stream of a job is dialled 3 s after the job was accepted",
        follower=asking.StartsLate,
    ),
    Mutant(
        name="settles-late",
        stands_for="the status is asked for 3 s after a gap",
        follower=asking.SettlesLate,
    ),
    Mutant(
        name="asks-once",
        stands_for="the status that covers a gap is asked for once, and was refused",
        follower=asking.AsksOnce,
    ),
    Mutant(
        name="keeps-refused-cursor",
        stands_for="the refused cursor is sent for ever, and snapshots hide it",
        decisions=asking.KeepsRefusedCursor,
    ),
    Mutant(
        name="polls-beside-stream",
        stands_for="the poller outlives the stream's return",
        follower=asking.PollsBesideStream,
    ),
    Mutant(
        name="starts-twice",
        stands_for="the work is started twice, as by a form that is sent again",
        follower=asking.StartsTwice,
    ),
    Mutant(
        name="denies-comments",
        stands_for="reconnecting is shown on a stream of comments",
        follower=misreporting.DeniesComments,
    ),
    Mutant(
        name="clings-to-connected",
        stands_for="reconnecting is shown from the next dial on, not from the end of the stream",
        follower=misreporting.ClingsToConnected,
    ),
    Mutant(
        name="closes-late",
        stands_for="closed is shown 20 s after the end",
        follower=misreporting.ClosesLate,
    ),
    Mutant(
        name="cuts-at-join",
        stands_for="a live stream is cut for any new network",
        decisions=asking.CutsAtJoin,
    ),
    Mutant(
        name="invents-gaps",
        stands_for="a gap is told at each reconnection",
        follower=misreporting.InventsGaps,
    ),
    Mutant(
        name="hides-gaps",
        stands_for="the app is never told of a gap",
        follower=misreporting.HidesGaps,
    ),
    Mutant(
        name="hides-snapshots",
        stands_for="polls move the cursor, and the screen stands still",
        follower=misreporting.HidesSnapshots,
    ),
    Mutant(
        name="ignores-polled-end",
        stands_for="the end that a status answer tells is not taken for one",
        follower=misreporting.IgnoresPolledEnd,
    ),
    Mutant(
        name="cuts-results",
        stands_for="the app gets the first 10 bytes of its results",
        follower=misreporting.CutsResults,
    ),
    Mutant(
        name="fetches-results-thrice",
        stands_for="the results are fetched for each that asks for them",
        follower=asking.FetchesResultsThrice,
    ),
    Mutant(
        name="fetches-results-late",
        stands_for="the results are fetched 20 s after the end",
        follower=ending.FetchesResultsLate,
    ),
    Mutant(
        name="fetches-results-early",
        stands_for="the results are fetched of a job that has not ended, and again when it has",
        follower=ending.FetchesResultsEarly,
    ),
    Mutant(
        name="leaves-sockets",
        stands_for="each poll leaves an idle socket behind, closed at the exit",
        follower=asking.LeavesSockets,
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
