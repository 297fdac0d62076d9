"""The extras of the package, which a light installation leaves out, and the libraries that each of them brings.

1. ``pip install harness`` brings what a run, its verdict and its written reports need, and no more.
2. A library of an extra is imported by the modules that use it, and only where ``Extra.installed`` or after
   ``Extra.require``.
3. What is left out is said in one sentence, with the command that installs it.
"""

import importlib.util
from typing import NamedTuple

from harness.errors import EnvironmentFault


class Extra(NamedTuple):
    """An extra by its name in ``pyproject.toml``, what it is for, and the modules that it brings."""

    name: str
    purpose: str
    modules: tuple[str, ...]

    @property
    def installed(self) -> bool:
        """True if all of its modules are there. Imports none of them."""
        return all(importlib.util.find_spec(module) is not None for module in self.modules)

    @property
    def command(self) -> str:
        """The command that installs it."""
        return f"pip install 'harness[{self.name}]'"

    @property
    def advice(self) -> str:
        """The sentence that says what is left out here, and how to get it."""
        return f"{self.purpose}: {self.command}"

    def require(self, what: str) -> None:
        """Raise ``EnvironmentFault`` for ``what`` the caller is about to do, where the extra is not installed."""
        if not self.installed:
            raise EnvironmentFault(f"{what} needs {' and '.join(self.modules)}: {self.command}")


REPORT = Extra("report", "pictures and page", ("matplotlib", "jinja2"))
FUZZ = Extra("fuzz", "the search for timelines that break a client", ("hypothesis",))
TERMINAL = Extra("terminal", "a display that is redrawn while runs go on", ("rich",))
EXTRAS = (REPORT, FUZZ, TERMINAL)
