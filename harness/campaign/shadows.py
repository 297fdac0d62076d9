"""Wrong clients that would do to the byte what the reference client does in a run: running that one alone finds them.

A mutant of which only the decisions differ (``harness.clients.decisions``) asks and carries out as the reference does.
So where each of its answers, to all that the reference was asked in a run, is the reference's own, its run is the same
run. Beside the reference's decisions stand its *shadows*, those of such mutants: each is asked what the reference is
asked, of copies of what may be changed. One whose answer differs once, or who changes something, goes its own way from
there on, and has to be run itself. So has one of whom that cannot be told.
"""

import copy
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from harness.clients.cursor import Cursor
from harness.clients.decisions import Decisions
from harness.clients.follower import JobFollower
from harness.clients.mutants import MUTANTS, REFERENCE_CLIENT, Mutant
from harness.clients.mutants.mutant import as_declared
from harness.sse.parser import Parser
from harness.sse.policy import Policies


def only_decides(mutant: Mutant) -> bool:
    """Return that nothing but a mutant's decisions differs from the reference's."""
    return mutant.policies is as_declared and mutant.follower is JobFollower and mutant.decisions is not Decisions


class Shadows:
    """The shadows of one run: mutants who ``only_decides``.

    ``client`` is the reference that is to be run, ``alike`` are those who answered as it did to the end.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._apart: set[str] = set()

    @property
    def alike(self) -> frozenset[str]:
        """Return the mutants whose run is the reference's."""
        return frozenset(self._names) - self._apart

    @property
    def client(self) -> Mutant:
        """Return the reference client with its shadows."""
        decisions: Any = self._decisions
        return Mutant(name="", stands_for=REFERENCE_CLIENT.stands_for, decisions=decisions)

    def _decisions(self, policies: Policies) -> "_Watched":
        shadows = {name: MUTANTS[name].decisions(policies) for name in self._names}
        return _Watched(Decisions(policies), shadows, self._apart)


class _Watched:
    """An object of the reference client with its shadows, and who of them is ``apart`` by now."""

    def __init__(self, own: object, shadows: Mapping[str, object], apart: set[str]) -> None:
        self._own = own
        self._shadows = shadows
        self._apart = apart

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the reference's; a method of it asks the shadows too."""
        value = getattr(self._own, name)
        if callable(value):
            return partial(self._ask, name)
        self._compare({mutant: getattr(shadow, name, None) for mutant, shadow in self._still.items()}, value)
        return value

    @property
    def _still(self) -> dict[str, object]:
        return {mutant: shadow for mutant, shadow in self._shadows.items() if mutant not in self._apart}

    def _ask(self, name: str, *args: Any, **named: Any) -> Any:
        copies = {mutant: [_copy(arg, mutant) for arg in args] for mutant in self._still}
        found = {
            mutant: _answer(getattr(shadow, name), copies[mutant], named) for mutant, shadow in self._still.items()
        }
        error, value = _answer(getattr(self._own, name), [_own(arg) for arg in args], named)
        told = _exact(error), _exact(value), [_state(arg) for arg in args]
        for mutant, (its_error, its_value) in found.items():
            if (_exact(its_error), _exact(its_value), [_state(arg) for arg in copies[mutant]]) != told:
                self._apart.add(mutant)
        if error is not None:
            raise error
        if isinstance(value, (Parser, Cursor)):
            return _Watched(value, {mutant: its_value for mutant, (_, its_value) in found.items()}, self._apart)
        return value

    def _compare(self, found: Mapping[str, object], value: object) -> None:
        self._apart.update(mutant for mutant, its in found.items() if _exact(its) != _exact(value))


def _answer(method: Any, args: list[Any], named: Mapping[str, Any]) -> tuple[Exception | None, Any]:
    try:
        return None, method(*args, **named)
    except Exception as error:  # noqa: BLE001 - an answer like any other
        return error, None


def _own(arg: Any) -> Any:
    return arg._own if isinstance(arg, _Watched) else arg  # noqa: SLF001 - of this module


def _copy(arg: Any, mutant: str) -> Any:
    """Return what a shadow is asked about: its own object in place of the reference's, or a copy."""
    return arg._shadows[mutant] if isinstance(arg, _Watched) else copy.copy(arg)  # noqa: SLF001 - of this module


def _state(arg: Any) -> object:
    """Return what a method may have changed of what it was asked about. Objects with shadows are asked themselves."""
    if isinstance(arg, (_Watched, Parser, Cursor)):
        return None
    return {name: _exact(value) for name, value in vars(arg).items()} if hasattr(arg, "__dict__") else _exact(arg)


def _exact(value: object) -> object:
    """Return what two answers must have in common: type and content.

    Parsers and cursors are held against each other by what they answer.
    """
    match value:
        case Parser() | Cursor():
            return None
        case msgspec.Struct():
            return type(value), tuple(map(_exact, msgspec.structs.astuple(value)))
        case list() | tuple():
            return type(value), tuple(map(_exact, value))
        case Exception():
            return type(value), str(value), _state(value)
        case _:
            return value
