"""The language as a reader is told it: every section, deed, setting, metric and profile with what it is.

It is made of the tables that the parser reads with, so that nothing can be in one and not in the other.
``harness help``, the page ``scenarios/README.md`` and the JSON Schema show it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from harness.deeds.catalogue import Actor, rows_of
from harness.device.words import Reach
from harness.scenario.clients import CLIENT
from harness.scenario.expectations import KINDS, METRICS, STATISTICS
from harness.scenario.forms import Form
from harness.scenario.paths import ADJUSTMENTS
from harness.scenario.phrases import Setting
from harness.scenario.profiles import PROFILES, Profile, Rates
from harness.scenario.settings import DEVICE, JOB, SERVER
from harness.units import spell_bit_rate, spell_duration


class Entry(NamedTuple):
    """One word of the language: what is written for it, and what it says."""

    name: str
    forms: str
    says: str


SECTIONS: Mapping[str, str] = {
    "scenario": "The title. Required.",
    "about": "The story, and the question it asks.",
    "job": "The work that the server does and tells of. Required.",
    "server": "The reference server.",
    "paths": "The ways to the server, each a name with its profile, or with one that is adjusted. Required.",
    "device": "The phone of each client.",
    "client": "The client under test, and its policies.",
    "sweep": "Values to run with, one variant each: lists of values for their product, or rows of values that belong "
    "together. `$name` stands for a value anywhere else.",
    "seed": "The seed of all draws: weather, backoff, ranges of durations. Default: 7.",
    "limit": "When a run ends in any case.",
    "world": "`any`, or `virtual` for what is too long for real sockets. Default: any.",
    "timeline": "When who does what. Times count from the first client's start; equal ones go in the file's order.",
    "expect": "Limits beside the laws: a metric and its bound.",
    "waive": "Laws that may fail, each with the reason.",
    "mutants": "Wrong clients that this scenario has to catch.",
}

TOKENS: Mapping[str, str] = {
    "DURATION": "`150ms`, `1m30s`: units us ms s m h d, always with one. In a timeline `200ms to 4.5s` is drawn anew "
    "at each use.",
    "N": "A count: `6`.",
    "SIZE": "`200B`, `10KB`, `1MB`: powers of 1000.",
    "BITRATE": "`330kbps`, `2Mbps`.",
    "RATE": "`200/s`, `13/h`.",
    "PERCENT": "`5%`.",
    "INSTANT": "`10s`, or a sum: `10s+500ms`.",
    "CODE": "A status of HTTP: `503`.",
    "WORD": "Anything without a blank.",
    "PATH": "The name of a path: a-z, 0-9 and -.",
    "PROFILE": "The name of a profile.",
}

ACTORS: Mapping[Actor, str] = {
    Actor.PATH: "By the path's own name: its reach, or its shape. The one leaves the other as it is.",
    Actor.DEVICE: "What the phone is told by its system, and whether it sleeps.",
    Actor.SERVER: "The reference server.",
    Actor.MIDDLE: "A box between client and server, on all paths; `middle on PATH` is one on this path.",
    Actor.JOB: "The work itself.",
}


DEEDS: Mapping[str, str] = {
    "up|closed|reset|refused|unreachable [for DURATION]": (
        "`up`: open connections flow again, but for those that silence killed. `closed`, `reset`: they end with "
        "FIN or RST, and new ones are refused. `refused`, `unreachable`: they go on; new ones are reset at once, "
        "or never answered."
    ),
    "stalled|silent [for DURATION] [downstream|upstream only]": (
        "`stalled`: bytes wait, and come in one burst. `silent`: bytes are gone, and nobody is told. New "
        "connections hang."
    ),
    "closed|reset once": "Open connections end with FIN or RST; new ones are let in as before.",
    "closed|reset mid id|data|character|event": (
        "The next event is cut inside its id, its data, a character, or before its blank line; then FIN or RST "
        "ends the connection."
    ),
    "PROFILE [for DURATION] [downstream|upstream only]": "The path takes this profile's shape and radio.",
    "PROFILE over DURATION [downstream|upstream only]": "The same, in steps of 250 ms over so long.",
    "sliced to SIZE [for DURATION]": "Bytes come in pieces of about this size.",
    "limited to BITRATE [for DURATION]": "The path is at most so fast, each way.",
    "joins PATH": "The device may use this path; it becomes the default if there is none. The client is told.",
    "prefers PATH": "New connections use this path; open ones stay. The client is told.",
    "loses PATH": (
        "This path is gone: its connections end with an error of the system. The default is then the path joined "
        "last. The client is told."
    ),
    "goes offline [for DURATION]": "The device loses all of its paths.",
    "comes online": "The end of `goes offline`.",
    "suspends for DURATION [silently]": (
        "The device sleeps: the client's timers stand still, and its sockets are dead at waking. `silently`: "
        "without an error."
    ),
    "answers CODE [retry-after DURATION] [as date] [to streams|polls|results] [for DURATION | N times]": (
        "These requests are answered with this status; without `to`, all of them."
    ),
    "shows portal [for DURATION]": "Every request is answered with 200 and a page of HTML.",
    "mutes streams [for DURATION]": "The head of a stream passes, and not one byte of its body.",
    "resets streams [for DURATION]": "The head of a stream passes; then RST.",
    "buffers SIZE [for DURATION]": "A stream is held until so many bytes are there.",
    "buffers each event [for DURATION]": "Each event is held until the next is there.",
    "buffers DURATION [for DURATION]": "A stream is held for so long.",
    "kills idle after DURATION [silently | with CODE]": (
        "A connection without a byte for so long ends with FIN, without a word, or with this status."
    ),
    "clears": "The box does nothing any more.",
    "restarts keeping log [after DURATION]": "The server ends its streams and is away for so long.",
    "restarts losing log [after DURATION]": "The same, and its events have new ids afterwards.",
    "orphan for DURATION": "The server's side of connections that a silent path killed is closed after so long.",
    "drains [for DURATION]": "The server ends each stream with FIN, and refuses new connections.",
    "hangs [for DURATION]": "The server accepts and reads, and answers nothing.",
    "sends retry WORD": "Every open stream gets a `retry:` field with this value, as it is.",
    "repeats N [for DURATION]": (
        "Each reconnection is replayed so many events too many, and each event is sent twice."
    ),
    "revokes token": "All tokens given out so far are invalid.",
    "silences keepalive [for DURATION]": "No comments are sent.",
    "recovers": "The end of what the server was told: drains, hangs, answers, repeats, silences.",
    "pauses [for DURATION]": "The job makes no progress; its end stays where it is.",
    "resumes": "The end of `pauses`.",
    "bursts RATE for DURATION": "The job tells of extra updates, so many a second.",
    "completes": "The job ends now, well.",
    "fails WORD": "The job ends now, with this code.",
    "times out": "The job ends now, without progress.",
}
"""By form, for every actor that has it."""


def settings_of(section: Mapping[str, Setting]) -> list[Entry]:
    """Return each setting of a section."""
    return [Entry(key, setting.forms, setting.says) for key, setting in section.items()]


SETTINGS: Mapping[str, list[Entry]] = {
    "job": settings_of(JOB),
    "server": settings_of(SERVER),
    "paths": settings_of(ADJUSTMENTS),
    "device": settings_of(DEVICE),
    "client": settings_of(CLIENT),
}
"""By section. Those of a path adjust its profile."""


def deeds_of(actor: Actor) -> list[Entry]:
    """Return each form of what an actor does, with what it means."""
    forms = [Form(text).shown for row in rows_of(actor) for text in row.forms]
    return [Entry(form, "", DEEDS[form]) for form in forms]


def metrics() -> list[Entry]:
    """Return each metric with the bounds that it takes."""
    return [Entry(name, " | ".join(KINDS[name].forms), says) for name, says in METRICS.items()]


STATISTIC = f"A duration takes a statistic too: `METRIC {'`, `METRIC '.join(STATISTICS)}`."


def profiles() -> list[Entry]:
    """Return each profile with its numbers."""
    return [Entry(name, "", "; ".join(_numbers(profile))) for name, profile in PROFILES.items()]


def _numbers(profile: Profile) -> Iterator[str]:
    if profile.start is not Reach.UP:
        yield f"{profile.start.value} from the start"
        return
    jitter = f" ± {spell_duration(profile.jitter)}" if profile.jitter else ""
    yield f"{spell_duration(profile.latency)}{jitter} one way" if profile.latency else "no delay"
    if profile.down and profile.up:
        yield f"{_rate(profile.down)} down, {_rate(profile.up)} up"
    if profile.loss:
        yield f"{100 * profile.loss:g} % of what is sent is lost, and waits for its repetition"
    if profile.stalls:
        yield f"{profile.stalls.per_hour:g} stalls an hour, half of them shorter than {profile.stalls.p50:g} s"
    if profile.lookup:
        yield f"{spell_duration(profile.lookup)} to look up a name before each dial"
    if profile.wake:
        when = "at each dial" if profile.wakes_each_dial else "after 10 s of quiet"
        yield f"the radio wakes in {spell_duration(profile.wake)} {when}"
    if profile.gone_after is not None:
        yield f"silent after {profile.gone_after:g} s"


def _rate(rates: Rates) -> str:
    if rates.stepped:
        return f"{spell_bit_rate(rates.least)} to {spell_bit_rate(rates.most)}, another each second,"
    return spell_bit_rate(rates.least)
