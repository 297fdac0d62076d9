"""Whatever is in a file, its loading either works or says why: never another exception, never a traceback."""

import contextlib
import string
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.scenario import Scenario, bundled, load, plans

TEXTS = [path.read_text() for path in bundled().values()]
WORDS = [
    *("silent", "wifi", "$gap", "for 5s", "over 5s", "lte", "device", "sweep", "0s", "5s"),
    *(": ", "{", "}", "[", "]", "\n", "  ", "-", "'", '"', ">", "|", "#", "\t", "%", "@", "?", "---"),
    *("&a", "*a", "!x", "é", "\x85", "\0"),
]
quick = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def load_or_refuse(path):
    """Return why a file is refused; whatever else is raised fails the test."""
    try:
        for plan in plans(load(path)):
            assert plan.horizon > 0
    except UsageError as refusal:
        return str(refusal)
    return ""


@quick
@given(content=st.binary(max_size=300))
def test_any_bytes(write, content):
    load_or_refuse(write(content))


@quick
@given(content=st.text(alphabet=string.printable + "é\u2028\ufeff", max_size=300))
def test_any_text(write, content):
    load_or_refuse(write(content.encode()))


@quick
@given(
    text=st.sampled_from(TEXTS),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(WORDS)), min_size=1, max_size=4),
)
def test_mutated_scenarios(write, text, edits):
    for where, cut, word in edits:
        at = int(where * len(text))
        text = text[:at] + word + text[at + cut :]
    load_or_refuse(write(text))


TEXT = st.one_of(st.sampled_from([*WORDS, "60s", "under 5s", "every 2s"]), st.text(max_size=8))
DATA = st.recursive(
    st.one_of(TEXT, st.integers(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
SECTIONS = ["scenario", "about", "job", "server", "paths", "device", "client", "sweep", "seed", "limit", "timeline",
            "expect", "waive", "mutants"]  # fmt: skip


@quick
@given(sections=st.dictionaries(st.sampled_from(SECTIONS), DATA, max_size=6))
def test_anything_built_in_python(sections):
    good = {"scenario": "x", "job": {"lasts": "5s"}, "paths": {"wifi": "wifi", "cellular": "lte"}}
    with contextlib.suppress(UsageError):
        plans(Scenario(**{**good, **sections}))


def test_the_shipped_files_are_what_is_mutated():
    assert len(TEXTS) == len(list(Path(__file__).parents[2].glob("scenarios/*.yaml"))) >= 3
