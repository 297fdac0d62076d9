"""Sweeps: the variants of a scenario, as a product of values or as rows of values that belong together."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harness.errors import UsageError
from harness.scenario.document import Data
from harness.scenario.place import LONGEST_VALUE, Place, nearest
from harness.units import quote

MOST_VARIANTS = 64

_NAME = re.compile(r"[a-z_]{1,40}")


class Variant(NamedTuple):
    """One choice of values. ``name`` is ``gap=5s,rtt=1s``; empty where there is no sweep."""

    name: str
    variables: Mapping[str, str]


def read_sweep(place: Place) -> list[Variant]:
    """Return the variants in the file's order: at least one. Problems are noted."""
    if not place.value:
        return [Variant("", {})]
    rows = _rows(place) if _is_list(place.value) else _product(place)
    if len(rows) > MOST_VARIANTS:
        place.fail(f"expected at most {MOST_VARIANTS} variants, got {len(rows)}", at_key=True)
        rows = rows[:1]
    variants = [Variant(",".join(f"{name}={value}" for name, value in row.items()), row) for row in rows]
    names = [variant.name for variant in variants]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        place.fail(f"the variant {quote(twice[0])} is there twice", at_key=True)
    return variants or [Variant("", {})]


def _is_list(value: Data) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _name(text: str) -> str:
    if text == "env" or _NAME.fullmatch(text) is None:
        raise UsageError(f'expected a name of lower case letters and _ (and not "env"), got {quote(text)}')
    return text


def _value(text: str) -> str:
    if len(text) > LONGEST_VALUE:
        raise UsageError(f"expected at most {LONGEST_VALUE} characters, got {len(text)}")
    return text


def _product(place: Place) -> list[dict[str, str]]:
    axes: dict[str, list[str]] = {}
    for entry in place.entries("{gap: [1s, 5s]}"):
        name = entry.read_key(_name)
        values = [value for item in entry.items("[1s, 5s]") if (value := item.read(_value)) is not None]
        if name is not None:
            axes[name] = values
    size = math.prod(len(values) for values in axes.values())
    if size > MOST_VARIANTS:
        place.fail(f"expected at most {MOST_VARIANTS} variants, got {size}", at_key=True)
        axes = {name: values[:1] for name, values in axes.items()}
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _rows(place: Place) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for item in place.items("[{stall: 1s, n: 0}]"):
        row = {}
        for entry in item.entries("{stall: 1s, n: 0}"):
            name, value = entry.read_key(_name), entry.read(_value)
            if name is not None and value is not None:
                row[name] = value
        if rows and row.keys() != rows[0].keys():
            item.fail(f"expected the same names in every row ({', '.join(rows[0])}), got {', '.join(row)}")
        elif row:
            rows.append(row)
    return rows


def selected(variants: Sequence[Variant], select: Mapping[str, str]) -> list[Variant]:
    """Return the variants that have all these values. Raises ``UsageError`` for an unknown name or value."""
    names = list(variants[0].variables)
    for name, value in select.items():
        if name not in names:
            known = f"it has {', '.join(names)}" if names else "it has none"
            raise UsageError(f"{quote(name)} is no name of this scenario's sweep{nearest(name, names)}: {known}")
        values = list(dict.fromkeys(variant.variables[name] for variant in variants))
        if value not in values:
            raise UsageError(
                f"{name}={value} is no variant{nearest(value, values)}: expected {name} in {', '.join(values)}"
            )
    found = [v for v in variants if all(v.variables[name] == value for name, value in select.items())]
    if not found:
        asked = ",".join(f"{name}={value}" for name, value in select.items())
        raise UsageError(f"no variant has {asked}: there are {', '.join(variant.name for variant in variants)}")
    return found
