"""harness: does a Server-Sent Events client survive the walk out of the door?

    import harness

    for result in harness.run_scenario("handoff", world="virtual"):
        assert result.passed, str(result)

The names below are public, as are those of ``harness.clients`` and ``harness.sse``; all else is the
harness's own. They are loaded when they are first asked for, so that ``import harness`` costs nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.api import Picture as Picture
    from harness.api import Result as Result
    from harness.api import arun_scenario as arun_scenario
    from harness.api import load as load
    from harness.api import rejudge as rejudge
    from harness.api import run_scenario as run_scenario
    from harness.errors import BadRecords as BadRecords
    from harness.errors import EnvironmentFault as EnvironmentFault
    from harness.errors import ScenarioError as ScenarioError
    from harness.errors import UsageError as UsageError
    from harness.scenario.document import Scenario as Scenario

__version__ = "0.1.0"

_HOMES = {
    "BadRecords": "errors",
    "EnvironmentFault": "errors",
    "Picture": "api",
    "Result": "api",
    "Scenario": "scenario.document",
    "ScenarioError": "errors",
    "UsageError": "errors",
    "arun_scenario": "api",
    "load": "api",
    "rejudge": "api",
    "run_scenario": "api",
}

__all__ = [  # noqa: PLE0604 - all of them are texts
    "__version__",
    *_HOMES,
]


def __getattr__(name: str) -> object:
    """Return a public name, loading its module now."""
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - not before a name is asked for

    return getattr(import_module(f"harness.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
