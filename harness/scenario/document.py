"""The document: what a scenario file says, before any grammar but YAML's has been applied.

Every value is text, as the file has it; the sections' own modules read it. ``Scenario`` is what Python users build
directly, with the same words, so that the files never need loops or conditions.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

Data = str | Mapping[str, "Data"] | Sequence["Data"]
Trail = tuple[str | int, ...]
"""The way from the top of the file to a value: ``("timeline", "10s", "wifi")``; numbers count in a list."""


class Mark(NamedTuple):
    """A position in the file; both count from 1."""

    line: int
    column: int


class Marks(NamedTuple):
    """The places of a key and its value (in a list there is no key: both are the value's)."""

    key: Mark
    value: Mark


BUILT = "scenario"
"""The name of a scenario that was built in Python, and what problems call its file: it has none."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One scenario with its sweep. Fields are the sections of the file; values are the texts of the language.

    >>> Scenario(scenario="silence", job={"lasts": "60s"}, paths={"wifi": "wifi"},
    ...          timeline={"10s": {"wifi": "silent"}}).timeline["10s"]
    {'wifi': 'silent'}

    Nothing is checked here: ``plans`` does, and raises ``ScenarioError`` with all that is wrong.
    """

    scenario: Data = ""
    about: Data = ""
    job: Data = {}
    server: Data = {}
    paths: Data = {}
    device: Data = {}
    client: Data = {}
    sweep: Data = {}
    seed: Data = ""
    limit: Data = ""
    world: Data = ""
    timeline: Data = {}
    expect: Data = {}
    waive: Data = {}
    mutants: Data = ()
    name: str = BUILT  # the file's stem: what a folder of results and the command line call it
    file: str = BUILT  # as problems name it
    source: str = ""  # the file's text
    marks: Mapping[Trail, Marks] = {}


SECTIONS = tuple(field for field in Scenario.__struct_fields__ if field not in {"name", "file", "source", "marks"})
"""The keys of a file, in the order of the reference."""
