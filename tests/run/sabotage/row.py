"""One row of the table: a fault of the harness, where it is planted, and what must be said of the run then."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from harness.history.records import Record

Plant = Callable[[pytest.MonkeyPatch], None]
"""Puts the fault in: it lives as long as the patch does."""

Doctor = Callable[[list[Record]], list[Record]]
"""Makes of the records of a lawful run those of a journal that has the fault."""


class Row(NamedTuple):
    """A fault. ``plan`` names one of ``plans.PLANS``; ``law`` one or several words of laws of the harness, by ``|``.

    ``says``: a pattern that the run's sentence must match, so that it names the part at fault.
    """

    name: str
    plan: str
    law: str
    says: str
    plant: Plant | None = None
    doctor: Doctor | None = None


def around(patch: pytest.MonkeyPatch, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    """Put what ``wrap`` makes of it in the place of a function."""
    patch.setattr(owner, name, wrap(getattr(owner, name)))


def planted(owner: Any, name: str, wrap: Callable[[Any], Any]) -> Plant:
    """Return a plant that wraps one function."""
    return lambda patch: around(patch, owner, name, wrap)


def both(*plants: Plant) -> Plant:
    """Return the plant of several, in their order."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        for one in plants:
            one(patch)

    return plant


class Once:
    """True the ``nth`` time that it is asked about something that matters, and never again."""

    def __init__(self, nth: int = 1) -> None:
        self._left = nth

    def __call__(self, matters: bool = True) -> bool:
        self._left -= matters
        return bool(matters and self._left == 0)
