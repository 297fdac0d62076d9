import re
from pathlib import Path

import msgspec
import pytest

from harness.errors import ScenarioError, UsageError
from harness.scenario import DEFAULT_SEED, Plan, bundled, find, load, plans
from harness.scenario.model import schedule

SHIPPED = sorted(Path(__file__).parents[2].glob("scenarios/*.yaml"))


def test_the_bundled_scenarios_are_those_of_the_checkout():
    assert list(bundled().values()) == SHIPPED
    assert {"baseline", "handoff", "half-open"} <= set(bundled())


def test_a_file_a_folder_and_a_name_are_found(tmp_path):
    for name in ("b.yaml", "a.yaml", "c.txt"):
        (tmp_path / name).write_text("x")
    assert find(str(tmp_path / "c.txt")) == [tmp_path / "c.txt"]
    assert find(str(tmp_path)) == [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    assert find("handoff") == [bundled()["handoff"]]


def test_what_exists_goes_before_what_is_bundled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("handoff").write_text("x")
    assert find("handoff") == [Path("handoff")]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "handof",
            r'"handof" is no file, no folder and no bundled scenario \(did you mean "handoff"\?\): bundled are ',
        ),
        ("scenarios/half-opne.yaml", r'\(did you mean "half-open"\?\)'),
        ("a\0b", "cannot be read|is no file"),
        ("x" * 5000, "cannot be read|is no file"),
    ],
)
def test_what_is_not_found_is_a_usage_error(name, why):
    with pytest.raises(UsageError, match=why):
        find(name)


def test_a_folder_without_scenarios_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"is a folder without \*\.yaml files"):
        find(str(tmp_path))


def test_a_plan_knows_its_file_as_the_user_named_it(write):
    path = write("scenario: x\njob: {lasts: 5s}\npaths: {wifi: wifi}\n")
    [plan] = plans(load(path, shown_as="mine.yaml"))
    assert (plan.name, plan.file, plan.source) == (path.stem, "mine.yaml", path.read_text())
    assert plans(load(path))[0].file == str(path)


def test_the_seed_is_the_command_lines_or_the_files_or_the_default(plan):
    assert plan().seed == DEFAULT_SEED == 7
    assert plan("seed: 12\n").seed == 12
    assert plan("seed: 12\n", seed=3).seed == 3


def test_wrong_arguments_are_usage_errors(plan):
    with pytest.raises(UsageError, match='expected the world real or virtual, got "both"'):
        plan(world="both")
    with pytest.raises(UsageError, match="expected a limit of more than zero, got 0 s"):
        plan(limit=0.0)
    with pytest.raises(UsageError, match=r"timeline 20s: comes after the limit at 10s"):
        plan("timeline: {20s: {wifi: silent}}\n", limit=10.0)
    assert plan(world="virtual").world == "virtual"


def test_no_more_than_a_hundred_problems_are_told(write):
    lines = "".join(f"  {n}s: {{wifi: silnet}}\n" for n in range(300))
    with pytest.raises(ScenarioError) as error:
        load(write(f"scenario: x\njob: {{lasts: 5}}\npaths: {{wifi: wifi}}\ntimeline:\n{lines}"))
    assert 100 <= len(error.value.problems) <= 101


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_scenario_loads_and_its_plans_survive_json(path):
    for plan in plans(load(path)):
        assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_scenario_is_a_document(path):
    [plan, *_] = plans(load(path))
    assert len(plan.about.split()) >= 20
    assert "?" in plan.about
    assert re.search(r"# ", plan.source), "each number has its source in a comment"


def test_the_handoff_is_the_one_of_the_reference():
    short, long = plans(load(find("handoff")[0]))
    assert [deed.at for deed in short.deeds] == [20.0, 20.4, 20.9]
    assert [deed.at for deed in long.deeds] == [20.0, 20.4, 25.4]
    assert long.variant == "gap=5s"
    assert (long.deeds[2].line, long.deeds[2].text) == (long.source[: long.source.index("joins")].count("\n") + 1,
                                                        "joins cellular")  # fmt: skip
    assert len(schedule(long.job)) == 1602
    steady = [due for due in schedule(long.job) if 1.0 < due < 19.9]
    assert len(steady) >= 750


def test_the_steady_windows_of_the_baseline_support_a_p99():
    [plan] = plans(load(find("baseline")[0]))
    assert len(schedule(plan.job)) >= 368


def test_a_path_may_be_a_text(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("scenario: x\njob: {lasts: 1s}\npaths: {wifi: wifi}\n")
    assert load(str(file)).name == load(file).name == "x"


def test_an_empty_name_is_not_the_working_folder():
    with pytest.raises(UsageError, match='bundled scenario, got ""'):
        find("")
