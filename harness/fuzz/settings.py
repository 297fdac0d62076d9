"""Settings of an invented scenario: chosen so that its clocks meet within the 15 to 40 s that its job lasts.

The defaults of the language are minutes and hundreds of events; in a short job none of them would ever be reached. What
is sent is small: a path may cut it into single bytes.
"""

from collections.abc import Callable

from harness.fuzz.draws import Draws
from harness.fuzz.genotype import Paths, Texts
from harness.units import spell_duration

SHARE = 0.25
"""Of the scenarios, those in which a setting is not its default."""

PROFILES = ("loopback", "wifi", "wifi-cafe", "lte", "4g-slow", "4g-drive", "5g-drive", "3g", "3g-lossy", "satellite")
"""Those with which a path may begin. The worst ones come as deeds, so that they pass."""

_THIRD = 0.15
_ADJUSTED = 0.1


def draw_job(draws: Draws) -> Texts:
    """Return the job."""
    job = {"lasts": spell_duration(float(round(draws.moment(15, 40)))), "results": draws.size(200, 3_000)}
    if draws.chance(0.5):
        job["updates"] = f"every {draws.duration(0.2, 3)}"
    elif draws.chance(0.3):
        job |= {"updates": "on change", "items": str(draws.count(10, 200))}
    if draws.chance(SHARE):
        job["ends"] = draws.pick(["failed bad_csv", "failed E42", "timeout"])
    if draws.chance(SHARE):
        job["event size"] = draws.size(20, 1_500)
    if draws.chance(0.1):
        job["no progress"] = spell_duration(float(draws.count(6, 20)))
    if draws.chance(0.1):
        job["kind"] = draws.pick(["photo-scan", "enrichment"])
    return job


def draw_server(draws: Draws) -> Texts:
    """Return the server's settings."""
    offers: dict[str, Callable[[], str]] = {
        "replay": lambda: draws.pick(["all", "none", f"{draws.count(1, 64)} events"]),
        "expired cursor": lambda: draws.pick(["reset event", "silent"]),
        "keepalive": lambda: draws.pick(["none", draws.duration(1, 10)]),
        "retry": lambda: draws.duration(0.2, 10),
        "token": lambda: f"lasts {draws.duration(3, 30)}",
        "queue": lambda: f"{draws.count(4, 500)} events",
        "line ends": lambda: draws.pick(["cr", "crlf", "mixed"]),
        "payload": lambda: draws.pick(["utf8", "hostile"]),
        "frames": lambda: "varied",
    }
    return {key: offer() for key, offer in offers.items() if draws.chance(SHARE)}


def draw_client(draws: Draws) -> Texts:
    """Return the client's policies, and how many clients there are.

    None that a law holds against the declaring client: signals that are ignored, a backoff's cap below the watchdog
    (recovery is given the cap, and a stream that died silently is noticed by the watchdog).
    """
    offers: dict[str, Callable[[], str]] = {
        "count": lambda: draws.pick(["2", "3"]),
        "connect timeout": lambda: draws.duration(2, 10),
        "jitter": lambda: draws.pick(["full", "none"]),
        "server retry": lambda: f"{draws.duration(0.2, 1)} to {draws.duration(2, 30)}",
        "retry after": lambda: "ignore",
        "fallback": lambda: f"poll every {draws.duration(1, 5)} after {draws.count(1, 5)} failures",
        "retry stream": lambda: f"every {draws.duration(4, 20)}",
        "suspects after": lambda: draws.duration(2, 10),
        "late events": lambda: f"wait {draws.duration(0.1, 2)}",
        "handler takes": lambda: draws.duration(0.01, 0.5),
        "queue": lambda: f"{draws.count(1, 32)} events",
    }
    rare = {"jitter": 0.05, "retry after": 0.1, "late events": 0.1, "count": 0.15}
    client = {key: offer() for key, offer in offers.items() if draws.chance(rare.get(key, SHARE))}
    if draws.chance(SHARE):
        watchdog, base = draws.seconds(3, 15), draws.seconds(0.2, 2)
        cap = spell_duration(round(watchdog + base + draws.seconds(1.5, 10), 1))
        client |= {"watchdog": spell_duration(watchdog), "backoff": f"{spell_duration(base)} to {cap}"}
    if "count" in client and draws.chance(0.5):
        client["arrive"] = f"within {draws.duration(0.1, 5)}"
    return client


def draw_paths(draws: Draws) -> Paths:
    """Return the named ways to the server: two, sometimes three."""
    paths: Paths = {"wifi": "wifi", "cellular": "lte"}
    if draws.chance(_THIRD):
        paths["office"] = "loopback"
    for name, usual in paths.items():
        profile = draws.pick(PROFILES) if draws.chance(SHARE) else str(usual)
        adjusted = draws.chance(_ADJUSTED)
        paths[name] = {"profile": profile, "latency": draws.duration(0.001, 0.3)} if adjusted else profile
    return paths


def draw_device(draws: Draws, paths: Paths) -> Texts:
    """Return the phone."""
    device = {}
    if draws.chance(SHARE):
        device["starts on"] = draws.pick(list(paths)[1:])
    if draws.chance(SHARE):
        device["linger"] = draws.duration(0.1, 5)
    return device
