"""What ``harness help LAW`` says: each law in a developer's words, and how real clients have broken it.

The threads are public ones, as ``owner/repository number``.
"""

from collections.abc import Iterable

import msgspec

from harness.errors import UsageError
from harness.scenario.place import nearest


class LawHelp(msgspec.Struct, frozen=True, kw_only=True):
    """One law explained."""

    code: str
    word: str
    title: str
    says: str
    breaks: tuple[str, ...]


def law_help(word: str, topics: Iterable[str] = ()) -> LawHelp:
    """Return the explanation of a law by its word or code.

    Raises ``UsageError`` for any other, which names the laws, and the ``topics`` that were asked for elsewhere.
    """
    wanted = word.strip().lower()
    for law in HELP:
        if wanted in {law.word, law.code.lower()}:
            return law
    words = [*(law.word for law in HELP), *topics]
    hint = nearest(wanted, words)
    raise UsageError(
        f"no law is called {word!r}{hint}: expected one of {', '.join(words)}, or a law's code, such as L2"
    )


HELP: tuple[LawHelp, ...] = (
    LawHelp(
        code="H0",
        word="fault-seen",
        title="The fault was seen",
        says="Every deed of the scenario was carried out, and a canary connection of the harness met it on the "
        "same way that the client's bytes take. Where one was not, the run is void: nothing was tested. So is a "
        "run of which every deed came only after all clients had lawfully finished; of several, such a one is "
        "untried, and counted. A deed is proved on the client's own flow, dial, request or signal where it touched "
        "one, else by the canary, else by what its executor shows: counted apart. That the client felt a deed is not "
        "asked, or one that never redials would be excused; one that none felt is named: a test it never sat.",
        breaks=("This law judges the harness and the machine, not the client: see `harness doctor`.",),
    ),
    LawHelp(
        code="H1",
        word="history-whole",
        title="The history is whole",
        says="No record is missing, by the numbers that the journal and each writer gave them; what was begun has "
        "ended; nothing is told before what it follows from: no answer before its question, no event written before "
        "it was emitted, none shown before it reached the phone; and what reached the phone are the bytes that the "
        "server wrote. Where it is not so the run is void: it would else be held against whoever the record tells of.",
        breaks=("This law judges the harness, not the client: a file that was cut or changed, or a bug.",),
    ),
    LawHelp(
        code="H2",
        word="server-as-planned",
        title="The server did as planned",
        says="The job server emitted the plan's events, each within 250 ms of its instant and none before it, and "
        "wrote each once, in order, to every stream until that had a lawful end; each reconnection was answered from "
        "the id that it asked from, unless a deed or a setting of the server says otherwise. Its jobs, its tokens, its "
        "comments and its other answers are held against the plan too. It is judged by its own records and by the "
        "bytes at the client's socket. Where it did not, the run is void: what it left out, sent twice or sent late "
        "would else be held against the client.",
        breaks=("This law judges the harness, not the client: a bug of its server, or a machine that is too busy.",),
    ),
    LawHelp(
        code="H3",
        word="network-as-planned",
        title="The network was as planned",
        says="What the gates did with the client's own bytes, connections and dials is what the deeds say, in both "
        "directions and at both ends: nothing passed a path that was silent, stalled or refused, nobody was told of "
        "a silent death, every connection that a deed ends was ended, each radio was paid for, each delay, rate, "
        "stall and signal of the plan was there, and none besides. Where it was not, the run is void: the client "
        "met another network than the planned one.",
        breaks=("This law judges the harness and the machine, not the client: see `harness doctor`.",),
    ),
    LawHelp(
        code="H4",
        word="in-time",
        title="The deeds came when the plan says",
        says="Each deed was issued within 250 ms of its time. One that came later is judged by its real time, unless "
        "it came on another side of an event, of a deadline of the client or of another deed than planned: then the "
        "run is void, since it tested another story. A run on real sockets that is void for this alone is made once "
        "more, with no other beside it.",
        breaks=("This law judges the machine, not the client: see `harness doctor`, and run with fewer jobs (-j).",),
    ),
    LawHelp(
        code="L1",
        word="terminal-once",
        title="One terminal event, the true one",
        says="By the horizon exactly one of completed, failed and timeout reached the app, the one the server "
        "emitted, with its payload and not before it was emitted. No callback comes after it.",
        breaks=(
            "A half-open connection is never noticed, and the end of the job with it: dzianisv/opencode-mobile 186",
            "It gives up silently after some minutes or attempts: r3labs/sse 147; GoogleCloudPlatform/scion PR 1258",
            "An exception in the stream ends the iteration for good: rtfol/aiohttp-sse-client 307",
        ),
    ),
    LawHelp(
        code="L2",
        word="no-gap",
        title="No gap, or one said aloud",
        says="What reached the phone reaches the app: each event that the client has read is shown, whatever it says "
        "of it; or a snapshot stood for it in time; or it was pushed out of the app's queue, behind a callback "
        "that was under way, by as many newer updates as the client declares to have room for (never a terminal "
        "one). What did not reach it is asked for: it is replayed and shown, or covered by a snapshot that the "
        "client was entitled to: while polling after as many failures as declared, after a gap that the server "
        "said to it, or after 204. Coalesced, covered and withheld events are counted.",
        breaks=(
            "An id committed before its blank line loses a cut event: launchdarkly/swift-eventsource PR 40",
            "Events are cut or lost in chunked reading: btubbs/sseclient 28, 34; EventSource/eventsource 113",
            "The server's buffer is shorter than the outage and nobody says so: whatwg/html 8297; kenn-io/forge PR 360",
        ),
    ),
    LawHelp(
        code="L3",
        word="no-duplicate",
        title="Nothing duplicated, invented or corrupted",
        says="No (epoch, index) reaches the app twice, none that was never emitted, none whose payload differs. What a "
        "callback is follows from its type and payload, and from no id: it has to be that of an event at the phone by "
        "then, or of a status answer that was delivered whole.",
        breaks=(
            "A full replay is shown again after each reconnection: athrvk/vayu 21; r3labs/sse 61",
            "A comment after an id becomes an empty event: florimondmanca/httpx-sse 35",
            "A partial event is dispatched at the end of a connection, or glued to the next: apache/cxf PR 825",
            "A character cut between chunks is garbled: teunlao/swift-ai-sdk PR 15; api7/aisix 111",
        ),
    ),
    LawHelp(
        code="L4",
        word="order",
        title="Order",
        says="Within an epoch the index only grows, and an older epoch never comes back. (A repeat is no- "
        "duplicate's.)",
        breaks=("Live events overtake the replay, and the cursor the gap: lobu-ai/lobu PR 3613",),
    ),
    LawHelp(
        code="L5",
        word="progress",
        title="Progress never shown going back",
        says="Nothing older than what was shown is shown. A falling number is lawful where the truth itself fell.",
        breaks=("A replay or an older snapshot overwrites the newest state: r3labs/sse 52; athrvk/vayu 21",),
    ),
    LawHelp(
        code="L6",
        word="one-stream",
        title="One stream at a time",
        says="A stream lives from its request to the client's side closed, as the gate sees it. Never two of one "
        "client and job for longer than the linger (1 s, or the scenario's `overlap`), and none when the "
        "client is done: its own side is closed within 1 s of the end that the app was told. The status is asked for "
        "while polling, for a gap and after a 204 only.",
        breaks=(
            "Reconnections multiply: launchdarkly/js-core 633, 458; oguzbilgic/kern-ai PR 16",
            "A close during a reconnection is forgotten: launchdarkly/swift-eventsource PR 42",
        ),
    ),
    LawHelp(
        code="L7",
        word="resume",
        title="Each reconnection carries the last id",
        says="`Last-Event-ID` is the id buffer at the last block that a blank line completed (id-only blocks "
        "count, an empty id means no header), or an adopted snapshot's; also after an attempt that yielded "
        "nothing.",
        breaks=(
            "The header is missing, stale, or lost on the second reconnection: EventSource/eventsource 27, 291",
            "The id is forgotten after a stream without events: modelcontextprotocol/typescript-sdk PR 2509",
            "It is committed on its field's line: fern-api/fern PR 16888",
        ),
    ),
    LawHelp(
        code="L8",
        word="backoff",
        title="Backoff with jitter, reset only by evidence",
        says="With n the attempts since a new event, d = min(cap, base · 2ⁿ): a wait lies within [d/2, d]; after "
        "`retry:` within [d, 1.5 d], where d is never shorter than the field says, whatever the cap; after Retry-After "
        "a within [a, a + base], where a counts up to `retry stream` or the cap, whichever is longer; polls, "
        "results, tokens and starts come no sooner than they were told either. A signal ends the wait in which the "
        "client hears it, and drops the dial that hangs. What brings nothing is let go of in its time: a dial by the "
        "connect deadline, a request without an answer and a stream without a byte by the watchdog or `suspects "
        "after`, a silent stream by the watchdog and a second. An accepted job's stream is dialled within a second, a "
        "request follows its connection, the status for a gap is asked for within a second, and again by the cap where "
        "that was in vain. Being connected resets nothing. A 401 leads to one "
        "request for a token. No dial is given up before the connect deadline unless something calls for it, and polls "
        "come by their interval. Of at least six plain waits a third, and four, at one ratio to d are no jitter; four "
        "dials of the stream within 250 ms that nothing called for are a storm. All by facts, whatever the client "
        "says.",
        breaks=(
            "The backoff resets when a connection opens: launchdarkly/ruby-eventsource PR 5, okhttp-eventsource PR 31",
            "100 requests a second against an error: fanout/reconnecting-eventsource 73",
            "No jitter, and a herd after each restart: launchdarkly/java-server-sdk 74",
        ),
    ),
    LawHelp(
        code="L9",
        word="recovery",
        title="Recovery within R of the path's healing",
        says="The app has caught up within R of the network being usable again. R is what a lawful client may need "
        "from where it really is then: the rest of a dial, a silence or a wait, one SYN retry, the handshake, and what "
        "the server asks of it on the way. Each interruption is judged by itself; where the next begins before R is "
        "over, nothing is owed. A failure names what was due by when, and its row (`harness help rows`); "
        "each part of R is printed with it.",
        breaks=(
            "A dial without a deadline hangs on the dead path, and nothing else is tried",
            "After sleep or a hidden tab it never returns: Azure/fetch-event-source 17, 55, 75",
        ),
    ),
    LawHelp(
        code="L10",
        word="honest-status",
        title="Honest status",
        says='"Connected" needs 200, text/event-stream and a byte of the body in that attempt. "Reconnecting" follows '
        "within 1 s of the end of the stream, and within the watchdog + 1 s of the last byte read (21 s where there is "
        'none); it does not stand for longer than 1 s while a stream brings bytes. "Closed" follows within 1 s of the '
        "end, or the final error, that the app was told, and not before the end had come.",
        breaks=(
            "A read without a deadline on a half-open connection: square/okhttp 2611; everruns/everruns 603",
            "A captive portal's 200 is taken for a stream, since its content type is not checked",
        ),
    ),
    LawHelp(
        code="L11",
        word="stop",
        title="Silence after the end",
        says="No stream or poll request begins after the terminal event or a fatal status. Exempt: the results, "
        "and one poll after 204. Never fatal: a first 401, 403, 408, 425, 429, and 409 or 410 on the stream.",
        breaks=("A close during a reconnection races with it: launchdarkly/swift-eventsource PR 42, PR 19",),
    ),
    LawHelp(
        code="L12",
        word="clean-exit",
        title="Clean exit, results once",
        says="After completed one whole result reaches the app. It is asked for when the end is at the phone and not "
        "before, within 1 s of when the app has taken the end, and again only where a transfer broke, when the longest "
        "wait is over at the latest; a 410 is asked once; otherwise none is. Tasks, sockets, threads, processes and "
        "proxies are back to what they were.",
        breaks=(
            "Goroutines leak with each stream: growthbook/growthbook-golang PR 27, 28",
            "A retain cycle keeps the client alive: launchdarkly/swift-eventsource PR 40",
        ),
    ),
    LawHelp(
        code="L13",
        word="server-frees",
        title="The server frees the dead",
        says="Within two keep-alives (30 s where there are none) of evidence at its socket the server has let go of a "
        "stream. Evidence is FIN, RST, a blocked write, or a newer stream of the same client and job. Silence "
        "alone is none: a kernel takes megabytes for a peer that nobody reads any more. The deed `server: orphan "
        "for DUR` gives the server's side of dead connections an end.",
        breaks=(
            "Dead clients are not noticed, and generators leak: sysid/sse-starlette 28, 40",
            "Each reconnection leaves the stream before it open, until its buffer is full",
        ),
    ),
    LawHelp(
        code="L14",
        word="prompt",
        title="Under 100 ms where the network allows it",
        says="On paths without loss and with rtt/2 + jitter + 50 ms within 100 ms: in steady windows the 95 % "
        "interval of this run's p99, from intended emission to the app, lies under 100 ms. It takes 368 "
        "events. On every path the client's own share, from the phone's radio to the app, is under 50 ms (p99; with "
        "fewer events the median) and each under 1 s; what its app's callbacks take is not counted.",
        breaks=(
            "An event is held until the next chunk: mpetazzoni/sseclient 6; btubbs/sseclient 9",
            "Compression or a proxy makes batches of events: launchdarkly/okhttp-eventsource 65; nginx/nginx 1505",
        ),
    ),
    LawHelp(
        code="L15",
        word="discreet",
        title="Discreet with tokens, errors, callbacks and requests",
        says="No token follows a redirect to another origin, nor goes over TLS that was not verified. No final error "
        "while the job lives, unless the server refused for good or the policy's attempts are spent; one "
        "due is told within 1 s. Callbacks one "
        "at a time. No more requests than the scenario's `requests`. No live stream ended by the client within "
        "its watchdog of a byte (a comment is one), unless a signal said so. No polling for longer than `retry "
        "stream` + R after streams can pass again. TLS and CPU leave no record, so they are not judged.",
        breaks=(
            "A stream is ended by a timeout shorter than its heartbeat: dhyansraj/mcp-mesh 267",
            "A watchdog that only events feed cuts a quiet but healthy stream, comments and all",
            "A client that fell back to polling never tries the stream again",
        ),
    ),
    LawHelp(
        code="L16",
        word="fresh",
        title="What is shown is fresh",
        says="What the app shows is older than the newest state that the client has read, of a stream while streams "
        "can pass, or of a status answer, by a second at most, besides what the app's callbacks take, what a gap "
        "waits for, and sleep. The same is owed of what is emitted while a live stream stands on a steady network, "
        "from when its line could have carried it. Behind a callback no more updates wait than the client declares.",
        breaks=(
            "What a new connection brings is kept until a timer of the client's is over",
            "A state is shown when the next one comes: mpetazzoni/sseclient 6",
        ),
    ),
)
"""All laws, in the order of their codes."""
