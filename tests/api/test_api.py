"""The Python door: names, results, and the errors that a caller can meet."""

import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import msgspec
import pytest
import trio

import harness

SILENCE = harness.Scenario(
    scenario="silence",
    job={"lasts": "6s", "updates": "every 500ms"},
    paths={"wifi": "wifi"},
    timeline={"2s": {"wifi": "silent for 1s"}},
)
PUBLIC = [
    "BadRecords", "EnvironmentFault", "Picture", "Result", "Scenario", "ScenarioError", "UsageError", "__version__",
    "arun_scenario", "load", "rejudge", "run_scenario",
]  # fmt: skip


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> harness.Result:
    """A run of a client that never notices a silent path."""
    out = tmp_path_factory.mktemp("results")
    (result,) = harness.run_scenario(SILENCE, world="virtual", client="as-shipped", out=out)
    return result


def test_the_public_names_are_these():
    assert sorted(harness.__all__) == dir(harness) == PUBLIC


def test_every_public_name_is_documented_and_there():
    assert [name for name in PUBLIC if not getattr(harness, name).__doc__] == []


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'run_scenarios'"):
        harness.run_scenarios  # noqa: B018 - asked for on purpose


def test_no_submodule_takes_the_place_of_a_public_name():
    for module in pkgutil.walk_packages(harness.__path__, "harness."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    assert all(callable(getattr(harness, name)) for name in PUBLIC if name != "__version__")


def test_importing_harness_loads_nothing_of_it():
    said = "import sys, harness; print(sorted(name for name in sys.modules if name.startswith(('harness.', 'trio'))))"
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, check=True).stdout == b"[]\n"


def test_a_failed_run_is_a_result_with_its_laws(failed):
    assert (failed.verdict, failed.passed, str(failed.laws["recovery"].state)) == ("fail", False, "failed")
    assert "never noticed" in failed.sentence


def test_a_result_tells_which_run_it_is(failed):
    assert (failed.scenario, failed.variant, failed.client, failed.seed) == ("scenario", "", "as-shipped", 7)
    assert repr(failed) == "<Result scenario as-shipped seed 7: fail>"


def test_a_result_reads_as_the_terminal_does(failed):
    assert "✗ FAIL  terminal-once, no-gap, honest-status, recovery" in str(failed)


def test_a_built_scenario_is_replayed_from_the_file_in_its_results(failed):
    kept = failed.folder.parent / "scenario.yaml"
    assert harness.load(kept).timeline == SILENCE.timeline
    assert f"replay harness run {kept} --client as-shipped --world virtual --seed 7" in " ".join(
        str(failed).replace("\\", "").split()
    )


def test_records_are_the_history_in_the_order_of_time(failed):
    records = failed.records()
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert len(records) > 100


def test_measures_are_figures_by_name(failed):
    assert failed.measures["update latency"].unit == "s"


def test_a_figure_is_drawn_in_both_forms(failed):
    strip = failed.figure("strip")
    assert (strip.name, strip.png[:4], "<svg" in strip._repr_svg_()) == ("strip", b"\x89PNG", True)


def test_a_figure_is_printed_by_its_name(failed):
    assert repr(failed.figure("strip")) == "<Picture strip>"


def test_an_unknown_figure_is_refused_with_the_nearest_name(failed):
    with pytest.raises(harness.UsageError, match=r"'stripe' is no figure of this run \(did you mean \"strip\"\?\)"):
        failed.figure("stripe")


def test_a_notebook_is_shown_the_text_and_the_strip(failed):
    shown = failed._repr_html_()
    assert shown.startswith("<pre>scenario · silence")
    assert shown.rstrip().endswith("</svg>")


def test_a_result_writes_a_report_of_its_own(failed, tmp_path):
    page = failed.report(tmp_path / "alone")
    assert page.name == "report.html"
    assert "never noticed" in page.read_text()
    assert [again.verdict for again in harness.rejudge(tmp_path / "alone")] == ["fail"]


def test_a_report_goes_into_no_folder_that_holds_something(failed, tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(harness.UsageError, match="is not empty"):
        failed.report(tmp_path)


def test_results_are_judged_again_from_their_folder(failed):
    before = msgspec.json.encode(failed.details.laws)
    (again,) = harness.rejudge(failed.results_folder)
    assert msgspec.json.encode(again.details.laws) == before


def test_a_folder_without_runs_cannot_be_judged(tmp_path):
    with pytest.raises(harness.UsageError, match="holds no recorded runs"):
        harness.rejudge(tmp_path)


async def test_inside_trio_a_scenario_is_awaited(tmp_path):
    (result,) = await harness.arun_scenario(SILENCE, world="virtual", seed=3, out=tmp_path)
    assert (result.verdict, result.seed) == ("pass", 3)


async def test_inside_trio_the_blocking_call_names_the_other():
    with pytest.raises(harness.UsageError, match=r"await harness\.arun_scenario"):
        harness.run_scenario(SILENCE)


async def test_a_cancelled_run_keeps_what_was_recorded(tmp_path):
    with trio.move_on_after(0.01) as scope:
        await harness.arun_scenario(SILENCE, world="virtual", out=tmp_path)
    assert scope.cancelled_caught
    assert [path.name for path in tmp_path.glob("*/*/*/plan.json")] in ([], ["plan.json"])


def test_a_sweep_has_a_result_for_each_variant(tmp_path):
    two = msgspec.structs.replace(SILENCE, sweep={"gap": ["1s", "2s"]}, timeline={"2s": {"wifi": "silent for $gap"}})
    results = harness.run_scenario(two, world="virtual", out=tmp_path)
    assert [result.variant for result in results] == ["gap=1s", "gap=2s"]
    (one,) = harness.run_scenario(two, world="virtual", out=tmp_path, select={"gap": "2s"})
    assert one.variant == "gap=2s"


def test_numbers_of_a_built_scenario_are_taken_as_a_file_has_them(tmp_path):
    counted = msgspec.structs.replace(SILENCE, job={"lasts": "6s", "items": 50}, seed=4)
    (result,) = harness.run_scenario(counted, world="virtual", out=tmp_path)
    assert (result.verdict, result.seed) == ("pass", 4)


def test_mistakes_of_a_scenario_are_one_error_that_names_them_all(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("scenario: bad\njob: {lasts: soon}\npaths: {wifi: wify}\n")
    with pytest.raises(harness.ScenarioError) as error:
        harness.load(path)
    assert [problem.line for problem in error.value.problems] == [2, 3]


def test_a_bundled_scenario_is_loaded_by_its_name():
    assert harness.load("handoff").name == "handoff"


@pytest.mark.parametrize(
    ("name", "said"),
    [("hadoff", 'did you mean "handoff"'), ("scenarios", r"holds \d+ scenarios: load one of them")],
)
def test_what_is_not_one_scenario_is_refused(name, said, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    with pytest.raises(harness.UsageError, match=said):
        harness.load(name)


def test_an_unknown_world_is_refused():
    with pytest.raises(harness.UsageError, match="expected the world real, virtual or both, got 'moon'"):
        harness.run_scenario(SILENCE, world="moon")


@pytest.mark.parametrize("seed", ["7", 7.0, True])
def test_a_seed_that_is_no_int_is_refused(seed):
    with pytest.raises(harness.UsageError, match=f"expected the seed as an int, got {seed!r}"):
        harness.run_scenario(SILENCE, world="virtual", seed=seed)


def test_where_results_cannot_be_written_the_environment_is_at_fault(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(harness.EnvironmentFault, match="cannot write results"):
        harness.run_scenario(SILENCE, world="virtual", out=tmp_path / "file")
