import pytest

from harness.scenario import bundled, explain, load, plans
from harness.scenario.explain import WIDTH

FOR_IT = "middle, for the server, on every path"
HEAD = "scenario: a test\njob: {lasts: 60s}\npaths: {wifi: wifi, cellular: lte}\n"


def lines(text):
    return [line.strip() for line in explain(text).split("\n")]


@pytest.mark.parametrize("path", bundled().values(), ids=list(bundled()))
def test_every_shipped_scenario_is_explained_within_its_columns(path):
    for plan in plans(load(path)):
        text = explain(plan)
        assert max(map(len, text.split("\n"))) <= WIDTH
        assert text.startswith(f"{plan.name} · {plan.scenario}\n")
        assert all(deed.text.split()[0] in text for deed in plan.deeds)


def test_the_head_is_one_line_whatever_the_file_is_called(tmp_path):
    path = tmp_path / "a\n::add-mask::x.yaml"
    path.write_text(HEAD)
    (plan,) = plans(load(path))
    assert explain(plan).split("\n")[:2] == [
        r"a\n::add-mask::x · a test",
        "1 client, reference · seed 7 · starts on wifi",
    ]


def test_a_reach_is_a_command_of_the_gate(plan):
    found = lines(plan("timeline: {10s: {wifi: stalled for 12s downstream only}}\n"))
    at = found.index("10.000 s  #0 wifi: stalled for 12s downstream only [line 4]")
    assert found[at + 1 : at + 4] == [
        "gate: reach word=stalled direction=downstream",
        "22.000 s  #1 wifi: up downstream only (stalled for 12s downstream only is over) [line 4]",
        "gate: reach word=up direction=downstream, takes back #0",
    ]


def test_a_shape_is_the_toxics_of_the_proxy(plan):
    found = lines(plan("timeline: {10s: {wifi: [3g over 5s, sliced to 16B]}}\n"))
    at = found.index("proxy of wifi, in 250 ms steps over 5s:")
    assert found[at + 1 : at + 5] == [
        "toxic latency_upstream: latency upstream latency=100 jitter=50",
        "toxic bandwidth_upstream: bandwidth upstream rate=41",
        "toxic latency_downstream: latency downstream latency=100 jitter=50",
        "toxic bandwidth_downstream: bandwidth downstream rate=98",
    ]
    assert "toxic slicer_downstream: slicer downstream average_size=16 size_variation=0 delay=1000" in found[at:]


def test_what_adjusts_a_path_leaves_each_direction_its_own_shape(plan):
    found = lines(plan("timeline: {10s: {wifi: 3g upstream only}, 12s: {wifi: limited to 64kbps}}\n"))
    begun = found.index("10.000 s  #0 wifi: 3g upstream only [line 4]")
    at = found.index("12.000 s  #1 wifi: limited to 64kbps [line 4]")
    assert found[begun + 1 : at] == [
        "proxy of wifi:",
        "toxic latency_upstream: latency upstream latency=100 jitter=50",
        "toxic bandwidth_upstream: bandwidth upstream rate=41",
    ]
    assert found[at + 1 : at + 6] == [
        "proxy of wifi:",
        "toxic latency_upstream: latency upstream latency=100 jitter=50",
        "toxic bandwidth_upstream: bandwidth upstream rate=8",
        "toxic latency_downstream: latency downstream latency=2 jitter=1",
        "toxic bandwidth_downstream: bandwidth downstream rate=8",
    ]


@pytest.mark.parametrize(
    ("deed", "becomes"),
    [
        ("middle on wifi: answers 403 to streams for 5s", "middle on wifi: do answers status=403 to=streams"),
        ("server: answers 503 retry-after 7s 3 times", f"{FOR_IT}: do answers status=503 retry_after=7s times=3"),
        ("server: answers 503 retry-after 7s as date", f"{FOR_IT}: do answers status=503 retry_after=7s dated=true"),
        ("server: restarts losing log after 5s", "server: do restarts keeps_log=false after=5s"),
        ("job: bursts 200/s for 20s", "job: do bursts rate=200.0 lasts=20s"),
        ("device: suspends for 45s", "gate: suspends lasts=45s"),
        ("wifi: reset mid character", "gate: cuts how=reset mid=character"),
    ],
)  # fmt: skip
def test_other_deeds_have_their_executor(plan, deed, becomes):
    assert becomes in lines(plan(f"timeline: {{10s: {{{deed}}}}}\n"))


def test_taking_back_names_the_deed(plan):
    found = lines(plan("timeline: {10s: {middle: mutes streams for 5s, job: pauses for 5s}}\n"))
    assert "middle: undo mutes streams, takes back #0" in found
    assert "job: do resumes, takes back #1" in found


def test_draws_weather_and_limits_are_shown(plan):
    text = explain(plan("timeline: {10s: {wifi: stalled for 1s to 2s}}\nlimit: 70s\n"))
    assert "(drawn from 1s to 2s)" in text
    assert "horizon 70.0 s (the file's or the command line's limit)" in text
    assert "D 21.0 s" in text
    assert text.count("  R at most ") == 1
    driving = explain(plan(head="scenario: x\njob: {lasts: 60s}\npaths: {car: 4g-drive}\n"))
    assert "WEATHER  (seed 7: stalls " in driving
    assert " more\n" in driving


def test_a_baseline_says_so(plan):
    text = explain(plan("expect: {update latency p95: under 1s}\nwaive: {prompt: why}\n"))
    assert "no deeds: a baseline" in text
    assert "update latency p95: under 1s" in text
    assert "waived: prompt (why)" in text


def test_a_title_of_any_length_keeps_the_columns(plan):
    head = HEAD.replace("a test", "x" * 300 + " y" * 100)
    assert max(map(len, explain(plan(head=head)).split("\n"))) <= WIDTH
