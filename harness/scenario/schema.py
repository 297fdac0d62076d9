"""The JSON Schema (draft 2020-12) of a scenario file, for editors; made of the very tables that the parser reads with.

Every ``dur``, ``deed`` and ``bound`` of the language is regular, so each is one pattern; a ``$name`` of the sweep may
stand anywhere in a text, and then only the loader can judge it. Editors give scalars a type: where a pattern takes what
they read as a number or a truth value, that is allowed too. What no pattern can say (a path that the file lacks, times
that go backwards) is left to ``harness check``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness.deeds.catalogue import Actor
from harness.scenario.clients import CLIENT, MUTANTS
from harness.scenario.compiling import WORLD
from harness.scenario.deeds import SPEECHES
from harness.scenario.document import SECTIONS
from harness.scenario.expectations import DURATIONS, KINDS, METRICS, OF_CLIENT, STATISTICS
from harness.scenario.forms import Speech
from harness.scenario.paths import ADJUSTMENTS, MOST_PATHS
from harness.scenario.phrases import Setting, pattern_of
from harness.scenario.profiles import PROFILES
from harness.scenario.settings import DEVICE, JOB, SERVER
from harness.scenario.tokens import DRAWN, INSTANT, TOKENS

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_VARIABLE = r"\$[a-z_]+"
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_TEXT: Schema = {**_SCALAR, "minLength": 1}
_PATH_NAME = r"(?!(?:device|server|middle|job)$)[a-z0-9][a-z0-9-]{0,39}"
_TRUTHS = {"yes": True, "no": False, "on": True, "off": False, "true": True, "false": False}
"""What YAML 1.1 makes of these words."""


def schema() -> Schema:
    """Return the schema, as JSON has it."""
    sections = {
        "scenario": {**_TEXT, "description": "the title"},
        "about": {**_TEXT, "description": "the story, and the question it asks"},
        "job": {**_section(JOB), "required": ["lasts"]},
        "server": _section(SERVER),
        "paths": _paths(),
        "device": _section(DEVICE),
        "client": _client(),
        "sweep": _sweep(),
        "seed": {**_scalar(TOKENS["N"].pattern), "description": "draws of weather, backoff and durations"},
        "limit": _scalar(TOKENS["DURATION"].pattern),
        "world": _scalar(WORLD.pattern),
        "timeline": _timeline(),
        "expect": _expect(),
        "waive": _mapping(dict.fromkeys(OF_CLIENT, _TEXT)),
        "mutants": {"type": "array", "minItems": 1, "items": _scalar("|".join(MUTANTS))},
    }
    assert tuple(sections) == SECTIONS
    return {
        "$schema": DIALECT,
        "title": "a scenario of harness",
        "type": "object",
        "required": ["scenario", "job", "paths"],
        "properties": sections,
        "additionalProperties": False,
    }


def _scalar(pattern: str) -> Schema:
    """Return the schema of one text of the language, and of what an editor may have made of it."""
    text: Schema = {"type": "string", "pattern": f"^(?:{pattern})$|{_VARIABLE}"}
    takes = re.compile(pattern)
    if takes.fullmatch("6") and takes.fullmatch("1000"):
        return {"anyOf": [text, {"type": "integer", "minimum": 0}]}
    others: list[Any] = [word for word in map(int, re.findall("[0-9]+", pattern)) if takes.fullmatch(str(word))]
    if takes.fullmatch("403") and 403 not in others:
        return {"anyOf": [text, {"type": "integer", "minimum": 100, "maximum": 599}]}
    others += [truth for word, truth in _TRUTHS.items() if takes.fullmatch(word)]
    return {"anyOf": [text, {"enum": others}]} if others else text


def _mapping(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "minProperties": 1, "properties": dict(properties), "additionalProperties": False}


def _section(settings: Mapping[str, Setting]) -> Schema:
    return _mapping({key: _scalar(setting.pattern) for key, setting in settings.items()})


def _client() -> Schema:
    """Return the client's settings; ``like`` may be a name from ``harness.toml``, which a schema cannot know."""
    section = _section(CLIENT)
    section["properties"]["like"] = {
        "type": "string",
        "anyOf": [{"enum": CLIENT["like"].pattern.split("|")}, {"pattern": f"^[A-Za-z0-9][A-Za-z0-9_-]*$|{_VARIABLE}"}],
    }
    return section


def _paths() -> Schema:
    adjusted = {**_section(ADJUSTMENTS), "required": ["profile"]}
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": MOST_PATHS,
        "patternProperties": {f"^{_PATH_NAME}$|{_VARIABLE}": {"anyOf": [_scalar("|".join(PROFILES)), adjusted]}},
        "additionalProperties": False,
    }


def _sweep() -> Schema:
    name = "^(?!env$)[a-z_]{1,40}$"

    def named(value: Schema) -> Schema:
        return {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {name: value},
            "additionalProperties": False,
        }

    product = named({"type": "array", "minItems": 1, "items": _SCALAR})
    return {"anyOf": [product, {"type": "array", "minItems": 1, "items": named(_SCALAR)}]}


def _deeds(speeches: Iterable[Speech]) -> Schema:
    deed = _scalar("|".join(form.pattern for speech in speeches for form in speech.forms))
    return {"anyOf": [deed, {"type": "array", "minItems": 1, "items": deed}]}


def _timeline() -> Schema:
    """Return the score: when, who, what. A list of deeds is done in its order."""
    when = rf"{INSTANT}(?: *\.\. *{INSTANT} +every +{DRAWN})?"
    actors = {
        "type": "object",
        "minProperties": 1,
        "properties": {actor.value: _deeds([speech]) for actor, speech in SPEECHES.items() if actor is not Actor.PATH},
        "patternProperties": {
            f"^{_PATH_NAME}$": _deeds([SPEECHES[Actor.PATH]]),
            f"^middle +on +(?:{_PATH_NAME}|{_VARIABLE})$": _deeds([SPEECHES[Actor.MIDDLE]]),
            f"^(?!middle ).*{_VARIABLE}": _deeds(SPEECHES.values()),
        },
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "minProperties": 1,
        "patternProperties": {f"^(?:{when})$|{_VARIABLE}": actors},
        "additionalProperties": False,
    }


def _expect() -> Schema:
    bounds = {metric: _scalar("|".join(map(pattern_of, KINDS[metric].forms))) for metric in METRICS}
    for metric in DURATIONS:
        bounds |= {f"{metric} {statistic}": bounds[metric] for statistic in STATISTICS}
    return {**_mapping(bounds), "patternProperties": {_VARIABLE: _SCALAR}}
