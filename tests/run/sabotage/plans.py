# ruff: noqa: E501 - a table
"""The plans that the faults are planted in, short and shared. Each is lawful with every client of ``CLIENTS``."""

import functools
from typing import Any

import msgspec

from harness.scenario import Plan, Scenario, plans

CLIENTS = ("reference", "forgets-last-id", "deaf-to-signals", "keeps-two-streams")
"""Who runs: a fault of the harness is never held against any of them."""

_BASE: dict[str, Any] = {
    "job": {"lasts": "12s", "updates": "every 200ms"},
    "paths": {"wifi": "wifi", "cellular": {"profile": "lte", "wake": "400ms"}},
}
_EAGER = {"watchdog": "5s", "backoff": "500ms to 2s"}
_POLLS = {"fallback": "poll every 1s after 1 failures", "retry stream": "every 3s", "backoff": "500ms to 2s"}
_SERVER = {"token": "lasts 300s", "replay": "all"}
_NOW_AND_THEN = {"lasts": "40s", "updates": "every 13s", "no progress": "60s"}
_CALM = {"profile": "satellite", "down": "10Mbps", "up": "10Mbps"}


def _on(timeline: Any, **sections: Any) -> dict[str, Any]:
    return {**_BASE, "timeline": timeline, **sections}


def _then(actor: str, *deeds: str, **sections: Any) -> dict[str, Any]:
    """One actor's deeds at 4 s."""
    return _on({"4s": {actor: list(deeds)}}, **sections)


_SCENARIOS: dict[str, dict[str, Any]] = {
    # Words of a path.
    "silent": _on({"3s": {"wifi": "silent for 7s"}}, client=_EAGER),
    "silent upstream": _on({"3s": {"wifi": "silent for 7s upstream only"}}, client=_EAGER),
    "silent downstream": _on({"3s": {"wifi": "silent for 7s downstream only"}}, client=_EAGER),
    "silent, and the server leaves": _on(
        {"3s": {"wifi": "silent for 7s"}, "5s": {"server": "restarts keeping log after 1s"}}, client=_EAGER
    ),
    "silent for three": _on({"3s": {"wifi": "silent for 7s"}}, client={**_EAGER, "count": "3"}),
    "stalled": _then("wifi", "stalled for 3s"),
    "stalled upstream": _then("wifi", "stalled for 3s upstream only"),
    "stalled, and the client leaves": _on({"3s": {"wifi": "stalled for 7s"}}, client=_EAGER),
    "closed": _then("wifi", "closed for 2s"),
    "closed once": _then("wifi", "closed once"),
    "reset": _then("wifi", "reset for 2s"),
    "reset once": _then("wifi", "reset once"),
    "refused": _on({"4s": {"wifi": "refused for 3s"}, "5s": {"wifi": "reset once"}}, client=_EAGER),
    "unreachable": _on({"4s": {"wifi": "unreachable for 3s"}, "5s": {"wifi": "reset once"}}, client=_EAGER),
    "cut": _then("wifi", "reset mid data"),
    "cut, closed": _then("wifi", "closed mid event"),
    # The device.
    "handoff": _on(
        {"3s": {"wifi": "silent"}, "3400ms": {"device": "loses wifi"}, "4s": {"device": "joins cellular"}},
        client=_EAGER,
    ),
    "handoff of three": _on(
        {"3s": {"wifi": "silent"}, "3400ms": {"device": "loses wifi"}, "4s": {"device": "joins cellular"}},
        client={**_EAGER, "count": "3"},
    ),
    "loses": _on({"3s": {"device": "joins cellular"}, "5s": {"device": "loses wifi"}}),
    "prefers": _on(
        {"3s": {"device": ["joins cellular", "prefers cellular"]}, "4s": {"wifi": "reset once"}, "8s": {"device": "prefers wifi"}}
    ),
    "lingers": _on({"3s": {"device": "joins cellular"}, "5s": {"device": "loses wifi"}}, device={"linger": "2s"}),
    "offline": _on({"4s": {"device": "goes offline for 3s"}}),
    "sleeps": _on({"4s": {"device": "suspends for 3s"}}),
    "sleeps silently": _on({"4s": {"device": "suspends for 3s silently"}}),
    "sleeps long": _on({"4s": {"device": "suspends for 5s"}}, client={"watchdog": "2s"}),
    # The radio: it sleeps after 10 s of quiet.
    "radio": _on(
        {}, job=_NOW_AND_THEN, paths={"cellular": {"profile": "lte", "wake": "2s"}}, server={"keepalive": "none"},
        client={"watchdog": "never"},
    ),
    "radio that is dialled": _on(
        {"15s": {"cellular": "reset once"}}, job={**_NOW_AND_THEN, "lasts": "20s"},
        paths={"cellular": {"profile": "satellite", "wake": "2s"}}, server={"keepalive": "none"},
    ),
    # Boxes.
    "answers": _then("middle", "answers 503 retry-after 1s for 4s", "resets streams for 100ms", client=_POLLS),
    "answers streams": _on(
        {"4s": {"wifi": "reset once", "middle": "answers 503 to streams for 4s"}}, client=_POLLS
    ),
    "answers polls": _on(
        {"4s": {"wifi": "reset once", "middle": ["answers 403 to streams for 7s", "answers 503 to polls for 3s"]}},
        client=_POLLS,
    ),
    "answers twice": _on(
        {"4s": {"wifi": "reset once", "middle": "answers 503 to streams 2 times"}}, client=_EAGER
    ),
    "answers on cellular": _on(
        {"3s": {"middle on cellular": "answers 503"}, "4s": {"wifi": "reset once"}}, client=_EAGER
    ),
    "portal": _on({"4s": {"middle": "shows portal for 4s", "wifi": "reset once"}}, client=_POLLS),
    "mutes": _then("middle", "mutes streams for 4s", client=_EAGER),
    "resets": _then("middle", "resets streams for 3s", client=_EAGER),
    "buffers": _then("middle", "buffers 1s for 4s"),
    "buffers a size": _then("middle", "buffers 2KB for 5s"),
    "buffers each event": _then("middle", "buffers each event for 5s"),
    "idle": _on(
        {"2s": {"middle": "kills idle after 2s"}, "4s": {"job": "pauses for 4s"}}, client=_EAGER,
        server={"keepalive": "none"},
    ),
    "idle, silently": _on(
        {"2s": {"middle": "kills idle after 2s silently"}, "4s": {"job": "pauses for 4s"}}, client=_EAGER,
        server={"keepalive": "none"},
    ),
    # Shapes and weather.
    "slow": _on({}, paths={"wifi": _CALM}),
    "slows down": _on({"4s": {"wifi": "satellite"}}),
    "slows down one way": _on({"4s": {"wifi": "satellite downstream only"}}),
    "slows down slowly": _on({"4s": {"wifi": "satellite over 4s"}}),
    "slows down for a while": _on({"3s": {"wifi": "satellite for 4s"}}),
    "limited": _on(
        {"4s": {"job": "bursts 200/s for 1s"}}, paths={"wifi": {"profile": "loopback", "down": "64kbps", "up": "64kbps"}},
        job={"lasts": "15s", "updates": "every 500ms"},
    ),
    "is limited": _on(
        {"3s": {"wifi": "limited to 64kbps"}, "5s": {"job": "bursts 200/s for 1s"}},
        job={"lasts": "15s", "updates": "every 500ms"},
    ),
    "sliced": _then("wifi", "sliced to 16B"),
    "stalls by itself": _on({}, paths={"wifi": {"profile": "very-bad", "latency": "20ms"}, "cellular": "lte"}, client=_EAGER),
    "changes its rate": _on({}, paths={"wifi": {"profile": "4g-drive", "wake": "0s"}}, client=_EAGER),
    # The server and its jobs.
    "plain": _on({}, server=_SERVER),
    "reconnects": _on({"3s": {"wifi": "silent for 2s"}, "4s": {"wifi": "reset once"}}, server=_SERVER, client=_EAGER),
    "reconnects twice": _on(
        {"3s": {"device": "goes offline for 2s"}, "7s": {"device": "goes offline for 2s"}}, server=_SERVER, client=_EAGER
    ),
    "expires": _on(
        {"3s": {"device": "goes offline for 3s"}}, server={"replay": "4 events", "expired cursor": "410"}, client=_POLLS
    ),
    "expires with a reset": _on(
        {"3s": {"device": "goes offline for 3s"}},
        server={"replay": "4 events", "expired cursor": "reset event"}, client=_POLLS,
    ),
    "replays some": _on({"3s": {"device": "goes offline for 2s"}}, server={"replay": "64 events"}, client=_EAGER),
    "quiet": _on({}, job={"lasts": "40s", "updates": "every 35s", "no progress": "60s"}),
    "keep-alives silenced": _on(
        {"4s": {"server": "silences keepalive for 30s"}},
        job={"lasts": "45s", "updates": "every 40s", "no progress": "60s"}, server={"keepalive": "5s"},
        client={"watchdog": "60s"},
    ),
    "retry": _then("server", "sends retry 3000"),
    "retry at the start": _on({}, server={"retry": "3s"}),
    "token revoked": _then("server", "revokes token", server=_SERVER),
    "token expires": _on({"4s": {"wifi": "reset once"}}, server={"token": "lasts 6s"}),
    "repeats": _on(
        {"3s": {"server": "repeats 3 for 7s"}, "5s": {"wifi": "reset once"}}, server=_SERVER, client=_EAGER
    ),
    "pauses": _then("job", "pauses for 3s"),
    "bursts": _then("job", "bursts 50/s for 2s"),
    "completes": _then("job", "completes"),
    "fails": _then("job", "fails E7"),
    "restarts": _then("server", "restarts keeping log after 2s", client=_EAGER),
    "restarts anew": _then("server", "restarts losing log after 2s", client=_EAGER),
    "drains": _then("server", "drains for 3s", client=_EAGER),
    "hangs": _then("server", "hangs for 4s", client=_EAGER),
    "orphans": _on(
        {"2s": {"server": "orphan for 2s"}, "3s": {"wifi": "silent for 7s"}}, client=_EAGER
    ),
    "ends by itself": _on({}, job={"lasts": "3s", "updates": "every 200ms"}, server=_SERVER),
    # Several at once.
    "tour": _on(
        {
            "3s": {"wifi": "stalled for 2s"},
            "4s": {"device": ["joins cellular", "loses wifi"]},
            "7s": {"job": "pauses for 1s", "middle": "answers 503 to streams for 2s", "cellular": "reset once"},
        },
        job={"lasts": "14s", "updates": "every 500ms"},
        server={"token": "lasts 300s", "replay": "4 events"},
        client=_POLLS,
    ),
}  # fmt: skip

PLANS = tuple(_SCENARIOS)


@functools.cache
def plan(name: str, client: str = "reference") -> Plan:
    """Return the plan of this name, for this client with the plan's own policies."""
    [made] = plans(Scenario(**{"scenario": name, **_SCENARIOS[name]}), world="virtual")
    if client == "reference":
        return made
    return msgspec.structs.replace(made, client=msgspec.structs.replace(made.client, like=client, mutant=client))
