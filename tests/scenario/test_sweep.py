import pytest

from harness.errors import UsageError
from harness.scenario import load, plans

HEAD = "scenario: x\njob: {lasts: 60s}\npaths: {wifi: wifi}\n"
USE = "timeline:\n  10s+$gap: {wifi: $word}\n"


def names(scenario, **words):
    return [plan.variant for plan in plans(scenario, **words)]


@pytest.fixture(scope="module")
def product(write):
    return load(write(f"{HEAD}sweep: {{gap: [1s, 5s], word: [silent, stalled]}}\n{USE}"))


def test_a_mapping_is_a_product_in_file_order(product):
    found = plans(product)
    assert [plan.variant for plan in found] == [
        "gap=1s,word=silent",
        "gap=1s,word=stalled",
        "gap=5s,word=silent",
        "gap=5s,word=stalled",
    ]
    assert found[3].variables == {"gap": "5s", "word": "stalled"}
    assert [(deed.at, deed.text) for deed in found[3].deeds] == [(15.0, "stalled")]


def test_a_list_of_mappings_is_rows(write):
    scenario = load(write(f"{HEAD}sweep: [{{gap: 1s, word: up}}, {{gap: 34s, word: silent}}]\n{USE}"))
    assert names(scenario) == ["gap=1s,word=up", "gap=34s,word=silent"]


def test_variants_are_picked_by_their_values(product):
    assert names(product, select={"gap": "5s"}) == ["gap=5s,word=silent", "gap=5s,word=stalled"]
    assert names(product, select={"gap": "5s", "word": "stalled"}) == ["gap=5s,word=stalled"]


def test_an_unknown_name_or_value_is_a_usage_error(product, write):
    with pytest.raises(UsageError, match=r'"gab" is no name of this scenario\'s sweep \(did you mean "gap"\?\)'):
        plans(product, select={"gab": "5s"})
    with pytest.raises(UsageError, match=r"gap=6s is no variant.*expected gap in 1s, 5s"):
        plans(product, select={"gap": "6s"})
    rows = load(write(f"{HEAD}sweep: [{{gap: 1s, word: up}}, {{gap: 34s, word: silent}}]\n{USE}"))
    with pytest.raises(UsageError, match="no variant has gap=1s,word=silent: there are gap=1s,word=up, "):
        plans(rows, select={"gap": "1s", "word": "silent"})
    with pytest.raises(UsageError, match="it has none"):
        plans(load(write(HEAD)), select={"gap": "1s"})


def test_a_name_is_replaced_in_keys_values_limits_and_counts(plan):
    found = plan("sweep: {n: [30]}\nlimit: 1m$n.5s\nexpect: {attempts: at most $n}\ntimeline: {$n.5s: {wifi: up}}\n")
    assert (found.limit, found.expect[0].limit, found.expect[0].text) == (90.5, 30.0, "at most 30")
    assert found.deeds[0].at == 30.5


def test_a_dollar_is_a_sign_in_free_text(plan):
    assert plan("about: costs $gap\nwaive: {prompt: $gap}\n").about == "costs $gap"


@pytest.mark.parametrize(
    ("rest", "complaints"),
    [
        (
            "timeline: {10s: {wifi: $word}}\n",
            ['4:24: timeline 10s: "$word" is no name of the sweep'],
        ),
        (
            "sweep: {gap: [1s]}\ntimeline: {10s+$gip: {wifi: up}}\n",
            [
                '4:9: sweep gap: nothing uses "$gap"',
                '5:12: timeline: "$gip" is no name of the sweep (did you mean "gap"?)',
            ],
        ),
        ("sweep: [{gap: 1s}, {gap: 2s}]\n", ['4:10: sweep gap: nothing uses "$gap"']),
        ("limit: $5\n", ['4:8: limit: "$" begins a name of the sweep: expected $name, lower case']),
        (
            "limit: $env.X\n",
            ['4:8: limit: "$env" belongs in server headers and command, which are not built yet'],
        ),
        (
            "sweep: {env: [1s]}\n",
            ['4:9: sweep: expected a name of lower case letters and _ (and not "env"), got "env"'],
        ),
        ("sweep: {gap: 1s}\n", ['4:14: sweep gap: expected a list such as [1s, 5s], got "1s"']),
        (
            "sweep: {gap: [1s, 1s]}\nlimit: $gap\n",
            ['4:1: sweep: the variant "gap=1s" is there twice'],
        ),
        (
            "sweep: [{gap: 1s}, {gop: 2s}]\nlimit: $gap\n",
            ["4:20: sweep: expected the same names in every row (gap), got gop"],
        ),
        ("sweep: gap\n", ['4:8: sweep: expected a mapping such as {gap: [1s, 5s]}, got "gap"']),
    ],
)
def test_wrong_sweeps(problems, rest, complaints):
    assert problems(HEAD + rest) == complaints


def test_a_problem_of_one_variant_points_at_its_place_and_names_it(problems):
    assert problems(f"{HEAD}sweep: {{word: [silent, silnet]}}\ntimeline: {{1s: {{wifi: $word}}}}\n") == [
        '5:23: timeline 1s: "silnet" is no state or profile (did you mean "silent"?) (with word=silnet)'
    ]


def test_a_problem_of_all_variants_is_told_once(problems):
    assert problems(f"{HEAD}sweep: {{gap: [1s, 2s]}}\ntimeline: {{$gap: {{wifi: silnet}}}}\n") == [
        '5:25: timeline $gap: "silnet" is no state or profile (did you mean "silent"?)'
    ]


def test_there_are_at_most_64_variants(problems, write):
    values = "[" + ", ".join(f"{n}s" for n in range(1, 9)) + "]"
    use = "timeline: {1s+$a: {wifi: up}, 2s+$b: {wifi: up}}\n"
    assert len(plans(load(write(f"{HEAD}sweep: {{a: {values}, b: {values}}}\n{use}")))) == 64
    more = values.replace("]", ", 9s]")
    assert problems(f"{HEAD}sweep: {{a: {values}, b: {more}}}\n{use}") == [
        "4:1: sweep: expected at most 64 variants, got 72"
    ]
    rows = ", ".join(f"{{a: {n}s}}" for n in range(65))
    assert problems(f"{HEAD}sweep: [{rows}]\ntimeline: {{$a: {{wifi: up}}}}\n") == [
        "4:1: sweep: expected at most 64 variants, got 65"
    ]
