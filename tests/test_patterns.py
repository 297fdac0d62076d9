"""Every regular expression of the product takes time in proportion to the text, whatever the text repeats.

A pattern is fed with repetitions of its own parts: its literals, members of its sets, pairs of them, and whole texts
that it takes. A pattern is not linear where three times the text takes much more than three times as long.
"""

import ast
import importlib
import itertools
import pkgutil
import re
import re._parser as parser  # type: ignore[import-not-found]
from functools import partial
from pathlib import Path

import pytest

import harness
from harness.report.redact import redact, redact_data, redact_file_text
from harness.report.wording import flat, one_line, printable, wrapped
from tests.growth import seconds_of, times_as_long

ROOT = Path(harness.__file__).parent
LENGTHS = (1_250, 2_500, 5_000, 10_000, 20_000)
"""The lengths of the repeated texts. The first length that takes ENOUGH time is compared with one of three times the
length, so a pattern whose time explodes is found while its time is short."""

ENOUGH = 0.007
"""Seconds of CPU time that are long enough to compare: a linear pattern takes less for the longest text, a quadratic
one more."""

STEEP = 5.5
"""Times as long for three times the text: linear is 3, quadratic 9."""

CALLS = {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "finditer", "findall"}
MOST_PARTS = 14


def modules():
    for found in pkgutil.walk_packages([str(ROOT)], "harness."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


class Anything(dict):
    """A namespace in which what is not known is some word."""

    def __missing__(self, name):
        return "word" if name not in dir(__builtins__) and name not in __builtins__ else __builtins__[name]


def written(module):
    """The patterns that a module's calls of ``re`` name, and the calls whose pattern is not written there."""
    tree = ast.parse(Path(module.__file__).read_text())
    for node in ast.walk(tree):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS
        if not called or not isinstance(node.func.value, ast.Name) or node.func.value.id != "re":
            continue
        place = f"{module.__name__}:{node.lineno}"
        try:
            yield place, eval(compile(ast.Expression(node.args[0]), place, "eval"), {}, Anything(vars(module)))
        except (AttributeError, TypeError):
            yield place, None


def held(value, depth=6):
    """The compiled patterns in a module's values, with the one method that it kept, if any."""
    method = getattr(value, "__name__", "") if hasattr(value, "__self__") else ""
    value = getattr(value, "__self__", value)
    if isinstance(value, re.Pattern):
        yield value, method
    elif depth and isinstance(value, dict):
        for each in itertools.chain(value.keys(), value.values()):
            yield from held(each, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from held(each, depth - 1)
    elif depth and type(value).__module__.startswith("harness.") and hasattr(value, "__dict__"):
        yield from held(vars(value), depth - 1)


def every_pattern():
    found, whole = {}, set()
    unread = []
    for module in modules():
        for pattern, method in held(list(vars(module).values())):
            found[pattern] = module.__name__
            if method in ANCHORED:
                whole.add(pattern)
        for place, pattern in written(module):
            if isinstance(pattern, str | bytes):
                found.setdefault(re.compile(pattern), place)
            elif not isinstance(pattern, re.Pattern):
                unread.append(place.rpartition(":")[0])
    return found, whole, unread


ANCHORED = {"fullmatch", "match"}
"""Methods that ask at one place only: a pattern of which a module keeps no more need not be searched for."""

PATTERNS, WHOLE, UNREAD = every_pattern()


def members(items):
    """Some members of a set, one of each kind that it names."""
    named = []
    for kind, value in items:
        if kind is parser.LITERAL:
            named.append(chr(value))
        elif kind is parser.RANGE:
            named.append(chr(value[0]))
        elif kind is parser.CATEGORY:
            named += {"DIGIT": "7", "SPACE": " ", "WORD": "a_"}[str(value).rpartition("_")[2]]
    if not any(kind is parser.NEGATE for kind, _ in items):
        return named
    return [each for each in 'a-_ 7"[' if re.fullmatch("[^" + re.escape("".join(named)) + "]", each)] or ["~"]


def parts(parsed):
    """The literals and the members of sets of a parsed pattern, and a shortest text that it may take."""
    found, text, run = [], "", ""
    for kind, value in parsed:
        if kind is parser.LITERAL:
            run += chr(value)
            text += chr(value)
            continue
        found.append(run)
        run, inner = "", ([], "")
        if kind is parser.IN:
            inner = (members(value), members(value)[0])
        elif kind is parser.ANY:
            inner = (["a"], "a")
        elif kind is parser.NOT_LITERAL:
            inner = (["a"], "a" if value != ord("a") else "b")
        elif kind in (parser.MAX_REPEAT, parser.MIN_REPEAT, parser.POSSESSIVE_REPEAT):
            inner = parts(value[2])
            inner = (inner[0], inner[1] * max(1, min(value[0], 20)))
        elif kind is parser.SUBPATTERN:
            inner = parts(value[3])
        elif kind is parser.ATOMIC_GROUP:
            inner = parts(value)
        elif kind is parser.BRANCH:
            branches = [parts(branch) for branch in value[1]]
            inner = ([each for branch in branches for each in (*branch[0], branch[1])], branches[0][1])
        elif kind in (parser.ASSERT, parser.ASSERT_NOT):
            inner = ([*parts(value[1])[0], parts(value[1])[1]], "")
        found += [*inner[0], inner[1]]
        text += inner[1]
    return [each for each in (*found, run) if each], text


def pumps(pattern):
    """Return what is repeated, and what stands before it."""
    source = pattern.pattern
    text = source if isinstance(source, str) else source.decode("latin-1")
    found, whole = parts(parser.parse(text, pattern.flags & ~re.LOCALE))
    single = sorted(dict.fromkeys(filter(None, [*found, " ", "-"])), key=len)[:MOST_PARTS]
    yield from ((whole, one) for one in single)
    yield from (("", "".join(pair)) for pair in itertools.permutations(single, 2))
    yield from (("", whole), ("", whole[:-1] or "a"), ("", whole + " "))


def is_steep(run, text_of):
    """Return whether three times the text takes much more than three times as long."""
    for length in LENGTHS:
        short, long = partial(run, text_of(length)), partial(run, text_of(3 * length))
        if seconds_of(short) >= ENOUGH:
            return times_as_long(long, short, bound=STEEP, tries=4) >= STEEP
    return False


ENDS = {"harness.sse.parser": "\n\n"}
"""The endings of the texts that a module's patterns are given: there a whole block always matches."""


def pumped(pattern, before, unit, end, length):
    """Return about so much text, or as many bytes: the unit repeated, with what stands before and after."""
    text = before + unit * (length // len(unit)) + end
    return text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text


def steep(pattern, end="\x01"):
    """The text whose repetition this pattern takes much longer for than it should, if any."""

    def run(text):
        pattern.fullmatch(text)
        for _ in () if pattern in WHOLE else pattern.finditer(text):
            pass

    for before, unit in pumps(pattern):
        if is_steep(run, partial(pumped, pattern, before, unit, end)):
            return unit
    return None


@pytest.mark.parametrize(
    ("pattern", "where"), PATTERNS.items(), ids=[f"{w}-{n}" for n, w in enumerate(PATTERNS.values())]
)
def test_a_pattern_is_linear(pattern, where):
    assert steep(pattern, ENDS.get(where, "\x01")) is None, f"{where}: {pattern.pattern!r}"


def test_all_calls_are_among_them():
    assert len(PATTERNS) > 80
    assert set(UNREAD) <= {"harness.scenario.forms", "harness.scenario.schema"}  # made from texts while they are loaded


@pytest.mark.parametrize(
    "pattern",
    [
        r"[\w.-]*(?:token|secret)[\w.-]*\s*=",
        r"(?<![A-Za-z0-9])eyJ[\w-]{8,}\.",
        r"\s+for \S+$",
        r"url\(#([^)]+)\)",
        r"(?:token=)(?:\[[^\]]*\])",
    ],
)
def test_the_search_finds_what_is_not_linear(pattern):
    assert steep(re.compile(pattern)) is not None


UNITS = [
    "token", "secret_", "api-key ", "eyJ", "eyJ_", "cookie", "bearer ", "basic:", "a:/", "://a", "@", "?key=",
    "token=[", "token: ", "'token", '"', "\\", "--", "--token", "-- token ", "$a", "password:$", "\x1b[", "\u202e",
    "1 s ", " ", "\n",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    "run",
    [redact, printable, flat, lambda text: redact_file_text("x.json", text), lambda text: redact_data({text: text}),
     lambda text: one_line(text, 80), lambda text: wrapped(text, indent="  ", width=80)],
    ids=["redact", "printable", "flat", "redact_file_text", "redact_data", "one_line", "wrapped"],
)  # fmt: skip
def test_cleaning_a_text_takes_time_in_proportion(run, unit):
    assert not is_steep(run, lambda length: "token eyJ cookie: " + unit * (length // len(unit)))
