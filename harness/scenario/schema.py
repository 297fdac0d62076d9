"""The JSON Schema (draft 2020-12) of a scenario file, for editors; made of the very tables that the parser reads with.

Every ``dur``, ``deed`` and ``bound`` of the language is regular, so each is one pattern; a ``$name`` of the sweep may
stand anywhere in a text, and then only the loader can judge it. Editors give scalars a type: where a pattern takes what
they read as a number or a truth value, that is allowed too. What no pattern can say (a path that the file lacks, times
that go backwards) is left to ``harness check``.
"""

import re
from collections.abc import Mapping
from typing import Any

from harness.deeds.catalogue import Actor
from harness.scenario import reference
from harness.scenario.clients import CLIENT, MUTANTS
from harness.scenario.compiling import WORLD
from harness.scenario.deeds import SPEECHES
from harness.scenario.document import SECTIONS
from harness.scenario.expectations import DURATIONS, KINDS, OF_CLIENT, STATISTICS
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
"""The values of these words in YAML 1.1."""


def schema() -> Schema:
    """Return the schema, as JSON has it."""
    sections: dict[str, Schema] = {
        "scenario": _TEXT,
        "about": _TEXT,
        "job": {**_section(JOB), "required": ["lasts"]},
        "server": _section(SERVER),
        "paths": _paths(),
        "device": _section(DEVICE),
        "client": _client(),
        "sweep": _sweep(),
        "seed": _REFERS["N"],
        "limit": _REFERS["DURATION"],
        "world": _scalar(WORLD.pattern),
        "timeline": _timeline(),
        "expect": _expect(),
        "waive": _mapping({law: {**_TEXT, "description": f"Why {law} may fail."} for law in OF_CLIENT}),
        "mutants": {"type": "array", "minItems": 1, "items": _scalar("|".join(MUTANTS))},
    }
    assert tuple(sections) == SECTIONS
    return {
        "$schema": DIALECT,
        "title": "a scenario of harness",
        "type": "object",
        "required": ["scenario", "job", "paths"],
        "properties": {name: {"description": reference.SECTIONS[name], **each} for name, each in sections.items()},
        "additionalProperties": False,
        "$defs": {
            **{name: {**_scalar(token.pattern), "title": name} for name, token in TOKENS.items()},
            **{f"deeds of {actor}": _deeds(actor) for actor in Actor},
        },
    }


_REFERS: Mapping[str, Schema] = {name: {"$ref": f"#/$defs/{name}"} for name in TOKENS}
"""A token by its name, so that its pattern is written once."""


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
    return _mapping({key: _described(setting) for key, setting in settings.items()})


def _described(setting: Setting) -> Schema:
    """Return what a setting takes, with what it is for; an editor shows it in place of the pattern."""
    takes = _REFERS.get(setting.forms) or {
        **_scalar(setting.pattern),
        "patternErrorMessage": f"expected {setting.forms}",
    }
    return {"description": f"{setting.says}\n\n{setting.forms}", **takes}


def _client() -> Schema:
    """Return the client's settings; ``like`` may be a name from ``harness.toml``, which a schema cannot know."""
    section = _section(CLIENT)
    section["properties"]["like"] = {
        "description": CLIENT["like"].says,
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


def _deeds(actor: Actor) -> Schema:
    """Return what an actor does: one deed, each form with what it means, or a list of them."""
    speech = SPEECHES[actor]
    told = zip(speech.forms, reference.deeds_of(actor), strict=True)
    deed = {"anyOf": [{**_scalar(form.pattern), "description": f"{says.name}\n\n{says.says}"} for form, says in told]}
    return {"anyOf": [deed, {"type": "array", "minItems": 1, "items": deed}]}


def _deeds_by(actor: Actor) -> Schema:
    return {"$ref": f"#/$defs/deeds of {actor}", "description": reference.ACTORS[actor]}


def _timeline() -> Schema:
    """Return the score: when, who, what. A list of deeds is done in its order."""
    when = rf"{INSTANT}(?: *\.\. *{INSTANT} +every +{DRAWN})?"
    actors = {
        "type": "object",
        "minProperties": 1,
        "properties": {actor.value: _deeds_by(actor) for actor in SPEECHES if actor is not Actor.PATH},
        "patternProperties": {
            f"^{_PATH_NAME}$": _deeds_by(Actor.PATH),
            f"^middle +on +(?:{_PATH_NAME}|{_VARIABLE})$": _deeds_by(Actor.MIDDLE),
            f"^(?!middle ).*{_VARIABLE}": {"anyOf": [{"$ref": f"#/$defs/deeds of {actor}"} for actor in Actor]},
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
    bounds: dict[str, Schema] = {}
    for metric in reference.metrics():
        takes = _scalar("|".join(map(pattern_of, KINDS[metric.name].forms)))
        bounds[metric.name] = {"description": f"{metric.says}\n\n{metric.forms}", **takes}
    for name in DURATIONS:
        bounds |= {f"{name} {statistic}": bounds[name] for statistic in STATISTICS}
    return {**_mapping(bounds), "patternProperties": {_VARIABLE: _SCALAR}}
