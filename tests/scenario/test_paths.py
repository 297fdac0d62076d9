import pytest

from harness.device.words import Radio, Reach
from harness.toxics.shape import Shape


def path(plan, value):
    return plan(head=f"scenario: x\njob: {{lasts: 5s}}\npaths: {{a: {value}}}\n").paths["a"]


def test_a_mapping_adjusts_a_profile_and_the_handshake_follows_the_latency(plan):
    spec = path(plan, "{profile: lte, latency: 80ms, jitter: 10ms, down: 2Mbps, up: 1Mbps, wake: 500ms}")
    assert spec.shape == Shape(latency=0.08, jitter=0.01, down=250_000.0, up=125_000.0)
    assert spec.radio == Radio(handshake=0.48, wake=0.5, wake_after=10.0)
    assert (spec.profile, spec.loss) == ("lte", 0.002)


def test_adjusted_rates_are_whole_kilobytes_and_at_least_one(plan):
    shape = path(plan, "{profile: wifi, down: 330kbps, up: 1kbps}").shape
    assert (shape.down, shape.up) == (41_000.0, 1_000.0)


def test_an_adjusted_wake_is_paid_as_the_profile_pays_its_own(plan):
    assert path(plan, "{profile: 3g, wake: 2s}").radio == Radio(handshake=0.6, wake=2.0, wake_after=0.0)
    assert path(plan, "{profile: wifi, wake: 2s}").radio == Radio(handshake=0.012, wake=2.0)


def test_offline_starts_silent_and_passes_nothing_to_adjust(plan, problems):
    assert path(plan, "offline").start is Reach.SILENT
    assert problems("scenario: x\njob: {lasts: 5s}\npaths: {a: {profile: offline, latency: 1s}}\n") == [
        '3:12: paths a: "offline" passes nothing that could be adjusted'
    ]


@pytest.mark.parametrize(
    ("paths", "complaint"),
    [
        ("{wifi: wify}", '3:15: paths wifi: "wify" is no profile (did you mean "wifi"?): expected one of loopback, '),
        ("{server: wifi}", '3:9: paths: "server" is a word of the timeline and cannot name a path'),
        ("{up: wifi}", '3:9: paths: "up" is a word of the timeline and cannot name a path'),
        ("{Wifi: wifi}", '3:9: paths: expected a path\'s name of a-z, 0-9 and -, at most 40, got "Wifi"'),
        ("{-a: wifi}", '3:9: paths: expected a path\'s name of a-z, 0-9 and -, at most 40, got "-a"'),
        ("[wifi]", "3:8: paths: expected a mapping such as {wifi: wifi, cellular: lte}, got a list"),
        ("{a: [wifi]}", "3:12: paths a: expected one text, got a list"),
        ("{a: {latency: 1s}}", '3:9: paths a: "profile" is missing: which one is adjusted, such as {profile: lte, '),
        (
            "{a: {profile: lte, loss: 5%}}",
            '3:27: paths a: unknown setting "loss": expected one of profile, latency, jitter, down, up, stalls, wake',
        ),
        ("{a: {profile: lte, down: 5MB}}", "3:33: paths a down: expected a rate such as 330kbps or 2Mbps, got"),
        ("{a: {profile: lte, stalls: 13}}", "3:35: paths a stalls: expected a rate such as 200/s or 13/h, got"),
    ],
)
def test_wrong_paths(problems, paths, complaint):
    [found] = problems(f"scenario: x\njob: {{lasts: 5s}}\npaths: {paths}\n")
    assert found.startswith(complaint)


def test_there_are_at_most_sixteen_paths(problems):
    paths = ", ".join(f"p{n}: wifi" for n in range(17))
    assert problems(f"scenario: x\njob: {{lasts: 5s}}\npaths: {{{paths}}}\n") == [
        "3:1: paths: expected at most 16 paths, got 17"
    ]
