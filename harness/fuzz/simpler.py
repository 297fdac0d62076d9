"""Simpler words: what a text of a scenario may become and still say much the same.

A ladder goes from the plainest to the nearly unchanged, so that the first that still fails is the one to keep.
"""

import re
from collections.abc import Iterator

from harness.errors import UsageError
from harness.fuzz.genotype import Fault, Genotype
from harness.units import parse_duration, spell_duration

ROUND = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0)
"""Seconds that a person would have written, the first choice for any duration."""

_OPTIONS = (
    r" retry-after \S+(?: as date)?",
    r" as date",
    r" to (?:streams|polls|results)",
    r" (?:downstream|upstream) only",
    r" \d+ times",
    r" for \S+",
    r" over \S+",
    r" after \S+",
    r" silently",
    r" with \d+",
)
"""Parts of a deed that may be left out; where the language then refuses it, it is no candidate."""

_PLAIN = 10
_ROUGH = {"0": 10, "5": 11, "1": 12, "2": 12} | dict.fromkeys("346789", 13)
"""The cost of reading a sign: 30s is rounder than 33s."""

_DURATION = re.compile(r"(?<![\w.])[0-9][0-9.]*(?:ms|us|s|m|h|d)(?![\w.])")
_COUNT = re.compile(r"(?<= )[0-9]+(?= times| failures| events|$|B$|/s)")


def simpler_text(text: str) -> Iterator[str]:
    """Yield the text with an option left out, or with one number rounder."""
    for option in _OPTIONS:
        shorter = re.sub(option, "", text, count=1)
        if shorter != text:
            yield shorter
    for found in _DURATION.finditer(text):
        for rounder in rounder_durations(found[0]):
            yield text[: found.start()] + rounder + text[found.end() :]
    for found in _COUNT.finditer(text):
        for number in ("1", "2", "5", "10"):
            if int(number) < int(found[0]):
                yield text[: found.start()] + number + text[found.end() :]


def rounder_durations(token: str) -> Iterator[str]:
    """Yield rounder durations near a token's: a round number of seconds, whole seconds, tenths."""
    try:
        seconds = parse_duration(token)
    except UsageError:
        return
    near = [one for one in ROUND if one / 2 <= seconds <= one * 2]
    for value in dict.fromkeys([*near, float(round(seconds)), round(seconds, 1)]):
        if 0 < value != seconds:
            yield spell_duration(value)


def rounder_times(at: float) -> Iterator[float]:
    """Yield rounder instants: multiples of five, whole seconds, halves, tenths."""
    for value in dict.fromkeys([round(at / 5) * 5.0, float(round(at)), round(at * 2) / 2, round(at, 1)]):
        if 0 <= value != at:
            yield value


def without(genotype: Genotype, *places: int) -> Genotype:
    """Return it without the faults at these places."""
    return genotype.having(faults=tuple(one for place, one in enumerate(genotype.faults) if place not in places))


def with_fault(genotype: Genotype, place: int, **changes: object) -> Genotype:
    """Return it with one fault changed; the order of time is kept."""
    fields = {"at": genotype.faults[place].at, "actor": genotype.faults[place].actor}
    fault = Fault(**(fields | {"deed": genotype.faults[place].deed} | changes))  # type: ignore[arg-type]
    faults = [*genotype.faults[:place], fault, *genotype.faults[place + 1 :]]
    return genotype.having(faults=tuple(sorted(faults, key=lambda one: one.at)))


def weight(genotype: Genotype) -> tuple[int, int, int]:
    """Return how much there is to read: faults first, then settings, then signs."""
    sections = (genotype.job, genotype.server, genotype.device, genotype.client, genotype.paths)
    settings = sum(len(section) for section in sections)
    texts = [str(value) for section in sections for value in section.values()]
    texts += [text for fault in genotype.faults for text in (fault.written, fault.actor, fault.deed)]
    return len(genotype.faults), settings, sum(_ROUGH.get(sign, _PLAIN) for text in texts for sign in text)
