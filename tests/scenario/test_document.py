import pytest

from harness.errors import ScenarioError
from harness.scenario import Scenario, load, plans


def test_a_scenario_built_in_python_is_the_one_of_the_file(write):
    text = "scenario: silence\njob: {lasts: 60s}\npaths: {wifi: wifi}\ntimeline:\n  10s: {wifi: [silent, up]}\n"
    built = Scenario(
        scenario="silence",
        job={"lasts": "60s"},
        paths={"wifi": "wifi"},
        timeline={"10s": {"wifi": ["silent", "up"]}},
    )
    [loaded_plan], [built_plan] = plans(load(write(text))), plans(built)
    assert [(deed.at, deed.actor, deed.act) for deed in built_plan.deeds] == [
        (deed.at, deed.actor, deed.act) for deed in loaded_plan.deeds
    ]
    assert built_plan.horizon == loaded_plan.horizon


def test_problems_of_a_scenario_built_in_python_name_the_way_and_no_line():
    scenario = Scenario(scenario="x", job={"lasts": 60}, paths=["wifi"], timeline="x", file="mine.py")
    with pytest.raises(ScenarioError) as error:
        plans(scenario)
    assert str(error.value).split("\n") == [
        "mine.py: error: paths: expected a mapping such as {wifi: wifi, cellular: lte}, got a list",
        'mine.py: error: job lasts: expected one text, got "60" (a int)',
    ]


def test_an_empty_scenario_lacks_its_three_sections():
    with pytest.raises(ScenarioError) as error:
        plans(Scenario())
    assert [problem.message for problem in error.value.problems] == [
        '"scenario" is missing, such as scenario: a title',
        '"job" is missing, such as job: {lasts: 60s}',
        '"paths" is missing, such as paths: {wifi: wifi}',
    ]
