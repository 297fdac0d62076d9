"""The pytest plugin: a scenario as a test, whose failure reads like the terminal's.

    @pytest.mark.scenario("handoff", client="reference", world="virtual")
    def test_the_client_survives_the_walk_out_of_the_door(harness_run):
        harness_run()

It is loaded by every pytest in the same environment, so that it imports nothing of the harness until it is used.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.api import Result

MARK = "scenario(name, *, client=None, world='real', seed=None, select=None, toxiproxy='auto')"
_OPTIONS = ("client", "world", "seed", "select", "toxiproxy")


class HarnessRun:
    """Runs the scenario that a test is marked with. Made by the fixture ``harness_run``."""

    def __init__(self, target: Any, options: dict[str, Any], out: Path) -> None:
        self._target = target
        self._options = options
        self._out = out

    def __call__(self, target: Any = None, *, check: bool = True, **options: Any) -> "list[Result]":
        """Run it and return the results, one for each variant; fail the test where one does not pass.

        ``target`` and ``options`` go before the mark's. Without ``check`` the results are returned whatever they are,
        for assertions of the test's own. Bad input and faults of the machine fail the test with their sentence.
        """
        import harness  # noqa: PLC0415 - not before it is used

        with _failing_in_words():
            results = harness.run_scenario(self._meant(target), out=self._out, **(self._options | options))
        return _checked(results, check=check)

    async def arun(self, target: Any = None, *, check: bool = True, **options: Any) -> "list[Result]":
        """Do the same inside trio, as a test of pytest-trio is."""
        import harness  # noqa: PLC0415 - the same

        with _failing_in_words():
            results = await harness.arun_scenario(self._meant(target), out=self._out, **(self._options | options))
        return _checked(results, check=check)

    def _meant(self, target: Any) -> Any:
        if target is None and self._target is None:
            pytest.fail(
                'no scenario named: mark the test with @pytest.mark.scenario("handoff"), or name it in the call',
                pytrace=False,
            )
        return self._target if target is None else target


@contextlib.contextmanager
def _failing_in_words() -> Iterator[None]:
    """Let a mistake or a fault of the machine fail the test with its sentence alone.

    pytest would print the error that a failure is chained to as well.
    """
    from harness.errors import EnvironmentFault, UsageError  # noqa: PLC0415 - the same

    try:
        yield
    except (UsageError, EnvironmentFault) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _checked(results: "list[Result]", *, check: bool) -> "list[Result]":
    wrong = [result for result in results if not result.passed]
    if check and wrong:
        written = [wrong[0].results_folder / name for name in ("report.html", "report.md")]
        report = "".join(f"\n\nreport  {path}" for path in [path for path in written if path.exists()][:1])
        pytest.fail("\n\n".join(str(result) for result in wrong) + report, pytrace=False)
    return results


@pytest.fixture
def harness_run(request: pytest.FixtureRequest, tmp_path: Path) -> HarnessRun:
    """Return what runs the test's scenario; results go to the test's ``tmp_path``."""
    mark = request.node.get_closest_marker("scenario")
    if mark is None:
        return HarnessRun(None, {}, tmp_path)
    unknown = sorted(set(mark.kwargs) - set(_OPTIONS))
    if len(mark.args) != 1 or unknown:
        got = ", ".join([*map(repr, mark.args), *(f"{name}=…" for name in mark.kwargs)])
        pytest.fail(f"expected @pytest.mark.{MARK}, got scenario({got})", pytrace=False)
    return HarnessRun(mark.args[0], dict(mark.kwargs), tmp_path)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", f"{MARK}: the scenario that the fixture harness_run runs")
