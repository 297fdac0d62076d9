"""The settings of ``job``, ``server`` and ``device``, and what a section of settings is."""

from collections.abc import Mapping
from typing import Any

from harness.deeds.catalogue import CODE
from harness.errors import UsageError
from harness.scenario.bounds import LARGEST_EVENT, LARGEST_RESULTS, day, size_up_to, timer
from harness.scenario.model import JobSpec, ServerSpec
from harness.scenario.phrases import (
    Fields,
    Setting,
    above_zero,
    choice,
    described,
    one,
    one_of,
    or_never,
    pattern_of,
)
from harness.scenario.place import Place, nearest, not_built
from harness.units import parse_count, quote


def _updates(text: str) -> Fields:
    if " to " in text:
        raise not_built("to", text)
    return one_of(
        {"every DURATION": lambda every: {"every": above_zero(every)}, "on change": lambda: {"every": None}},
        example="every 2s",
    ).parse(text)


def _failed(code: str) -> Fields:
    if CODE.fullmatch(code) is None:
        raise UsageError(f"expected a code of letters, digits, _ . and -, got {quote(code)}")
    return {"ends": "failed", "code": code}


def _shared_log(text: str) -> Fields:
    if text.strip() == "own":
        raise not_built("log: own")
    return one_of({"shared": dict}).parse(text)


def _plain_text(text: str) -> Fields:
    if text.strip() == "yes":
        raise not_built("tls: yes")
    return one_of({"no": dict}).parse(text)


def _instances(text: str) -> Fields:
    if parse_count(text.strip()) != 1:
        raise not_built(f"instances: {text}")
    return {}


JOB: dict[str, Setting] = {
    "lasts": described(
        "How long the job runs, from its start to its terminal event. Pauses do not extend it. Required.",
        one("lasts", "DURATION", above_zero=True, bound=day),
    ),
    "updates": described(
        "When it tells its progress: at these intervals, or at each item. Default: every 2s.",
        Setting(_updates, f"{pattern_of('every DURATION')}|on +change", "every DURATION | on change"),
    ),
    "items": described("How many items it works on (totalCount). Default: 100.", one("items", "N", above_zero=True)),
    "ends": described(
        "How it ends. One that never ends is left at `lasts`. Default: completed.",
        one_of(
            {
                "completed": lambda: {"ends": "completed"},
                "failed WORD": _failed,
                "timeout": lambda: {"ends": "timeout"},
                "never": lambda: {"ends": "never"},
            },
            example="failed bad_csv",
        ),
    ),
    "kind": described(
        "Which kind of job it calls itself. Default: csv-import.",
        choice("kind", ("csv-import", "photo-scan", "enrichment")),
    ),
    "event size": described(
        "How large the data of each progress event is. Default: 200B.",
        one("event_size", "SIZE", bound=lambda parse: size_up_to(parse, LARGEST_EVENT)),
    ),
    "results": described(
        "How large its results are. Default: 10KB.",
        one("results", "SIZE", bound=lambda parse: size_up_to(parse, LARGEST_RESULTS)),
    ),
    "results kept": described(
        "For how long after the end results are served; then the server answers 410. Default: 24h.",
        one("results_kept", "DURATION"),
    ),
    "no progress": described(
        "After so long without progress the job times out. Default: 5m.",
        one("no_progress", "DURATION", above_zero=True),
    ),
}

SERVER: dict[str, Setting] = {
    "replay": described(
        "How many of the last events a reconnection can be replayed. Default: 256 events.",
        one_of(
            {
                "N events": lambda events: {"replay": events},
                "all": lambda: {"replay": None},
                "none": lambda: {"replay": 0},
            },
            example="256 events",
        ),
    ),
    "expired cursor": described(
        "What a client is answered that resumes from before these: 410, a reset event, or nothing. Default: 410.",
        choice("expired_cursor", ("410", "reset event", "silent")),
    ),
    "keepalive": described(
        "Silence after which a comment is sent. Default: 15s.", or_never("keepalive", word="none", bound=timer)
    ),
    "retry": described(
        "A retry: field, sent first on each stream. Default: none; 1s with varied frames.",
        or_never("retry", word="none"),
    ),
    "token": described(
        "Whether requests need a bearer token, and for how long each is good. Default: none.",
        one_of(
            {"none": lambda: {"token_lasts": None}, "lasts DURATION": lambda lasts: {"token_lasts": lasts}},
            example="lasts 30s",
            discreet=True,  # a bearer token is what is put here by mistake
        ),
    ),
    "instances": described("How many servers there are.", Setting(_instances, "1", "1")),
    "log": described("Whether the servers share one log of events.", Setting(_shared_log, "shared", "shared")),
    "queue": described(
        "How many events may wait for a slow subscriber before it is dropped. Default: 1000 events.",
        one_of({"N events": lambda events: {"queue": events}}, example="1000 events"),
    ),
    "line ends": described(
        "What ends the lines of a stream. Default: lf.", choice("line_ends", ("lf", "cr", "crlf", "mixed"))
    ),
    "payload": described(
        "Which characters are in the data. Default: ascii.", choice("payload", ("ascii", "utf8", "hostile"))
    ),
    "frames": described(
        "How events are written: as plainly as can be, or in every way that servers in the field do: some without an "
        "id, where the expired cursor is answered by 410. Default: plain.",
        choice("frames", ("plain", "varied")),
    ),
    "tls": described("Whether the server speaks TLS.", Setting(_plain_text, "no", "no")),
}

VARIED_RETRY = 1.0
"""Seconds of ``retry`` where frames are varied and it is not set itself: the base of the reference's backoff."""

_OWN_SERVER = (
    "url",
    "command",
    "ready",
    "start",
    "job id",
    "stream",
    "status",
    "results",
    "headers",
    "body",
    "terminal",
)


def read_section(place: Place, settings: Mapping[str, Setting], *, later: tuple[str, ...] = (), example: str) -> Fields:
    """Return the fields that a section of settings fills. Problems are noted; unknown keys get the nearest word."""
    fields: dict[str, Any] = {}
    for entry in place.entries(example):
        key = _key(entry, settings, later)
        if key is not None:
            fields |= entry.read(settings[key].parse) or {}
    return fields


def _key(entry: Place, settings: Mapping[str, Setting], later: tuple[str, ...]) -> str | None:
    """Return the setting's name, or None with a problem noted at the key."""

    def known(key: str) -> str:
        if key in later:
            raise not_built(key)
        if key not in settings:
            hint = nearest(key, (*settings, *later)) or f": expected one of {', '.join(settings)}"
            raise UsageError(f"unknown setting {quote(key)}{hint}")
        return key

    return entry.read_key(known)


def read_job(place: Place) -> JobSpec:
    """Return the job; a stand-in where ``lasts`` is missing or wrong, which is noted as a problem."""
    fields = read_section(place, JOB, example="{lasts: 60s}")
    if "lasts" not in fields:
        if isinstance(place.value, Mapping) and "lasts" not in place.value:
            place.fail('"lasts" is missing: how long the job runs, such as {lasts: 60s}', at_key=True)
        return JobSpec(lasts=1.0)
    job = JobSpec(**fields)
    apart = job.lasts / job.items if job.every is None else job.every
    if apart > job.no_progress and job.ends != "timeout" and job.lasts > job.no_progress:
        place.fail(
            f"updates are {apart:g} s apart, but without progress for {job.no_progress:g} s the job times out: "
            'expected shorter steps, or a longer "no progress"'
        )
    return job


def read_server(place: Place) -> ServerSpec:
    """Return the reference server's settings. An own server (``url``, ``command`` …) is refused by name."""
    fields = read_section(place, SERVER, later=_OWN_SERVER, example="{keepalive: 15s}")
    if fields.get("frames") == "varied":
        fields.setdefault("retry", VARIED_RETRY)
    return ServerSpec(**fields)


DEVICE: dict[str, Setting] = {
    "starts on": described(
        "The only path that is joined at 0 s. Default: the first of `paths`.", one("starts_on", "PATH")
    ),
    "linger": described(
        "For how long open connections outlive the loss of the default path. Default: 0s.",
        one("linger", "DURATION", bound=day),
    ),
}


def read_device(place: Place, paths: Mapping[str, object]) -> Fields:
    """Return the fields of ``DeviceSpec``; the first of ``paths`` is joined unless another is named."""

    def path(text: str) -> str:
        if text not in paths:
            raise UsageError(f"{quote(text)} is no path of this file{nearest(text, paths)}")
        return text

    starts_on = DEVICE["starts on"]._replace(parse=lambda text: {"starts_on": path(text.strip())})
    fields = read_section(place, {**DEVICE, "starts on": starts_on}, example="{starts on: wifi}")
    return {"starts_on": next(iter(paths), ""), **fields}
