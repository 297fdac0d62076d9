"""Who is there to meet a deed, and whether any client could pass: a plan weighed before it is run."""

import pytest

from harness.errors import UsageError
from harness.scenario import load, plans, warned
from harness.scenario.reachability import lost_for_good

HEAD = "scenario: a test\njob: {lasts: 3s}\npaths: {wifi: wifi, cellular: lte}\n"
NOBODY = "no client can pass"
FROM_THEN = "terminal-once, no-gap and recovery are not judged from then on"
LEAVES = "it leaves a stream that is well, and what would happen to a quiet one later is not tested"
LONE = "scenario: a test\njob: {lasts: 60s}\npaths: {wifi: wifi}\n"


@pytest.fixture(scope="session")
def late(problems):
    """Complaints about a job of three seconds with this timeline."""
    return lambda timeline, more="": problems(f"{HEAD}{more}timeline: {timeline}\n")


@pytest.fixture(scope="session")
def warnings(write):
    """Warnings of a file, without its name: ``line:column: text`` each."""

    def warnings(content, **words):
        file = write(content)
        return [f"{one.line}:{one.column}: {one.message}" for one in warned(plans(load(file), **words))]

    return warnings


@pytest.fixture(scope="session")
def loss(plan):
    """When and by which deed the only path's way to a job of a minute is lost for good."""

    def loss(timeline, head=LONE):
        found = lost_for_good(plan(f"timeline: {timeline}\n", head=head))
        return None if found is None else (found.at, found.deed.text if found.deed else "")

    return loss


# Who is there.


def test_a_deed_after_the_jobs_end_that_nothing_precedes_is_refused_with_its_place(late):
    assert late("{100s: {wifi: silent}}") == [
        "4:25: timeline 1m40s: at 100 s the job of 3 s has been over for 97 s: nothing would be tried"
    ]


@pytest.mark.parametrize(
    "deed",
    [
        "cellular: closed",
        "wifi: lte",
        "wifi: reset mid data",
        "device: joins cellular",
        "device: suspends for 5s",
        "middle: shows portal",
        "server: restarts losing log",
        "server: sends retry 10",
        "job: bursts 5/s for 1s",
    ],
)
def test_it_is_refused_whoever_does_it(late, deed):
    assert [problem.rpartition(": ")[2] for problem in late(f"{{100s: {{{deed}}}}}")] == ["nothing would be tried"]


@pytest.mark.parametrize(
    "before",
    [
        "{1s: {wifi: reset once}",
        "{1s: {wifi: closed for 1s}",
        "{1s: {wifi: 3g}, 2s: {wifi: wifi}",
        "{1s: {device: suspends for 1s}",
        "{1s: {device: loses wifi}, 2s: {device: joins wifi}",
        "{1s: {server: hangs for 1s}",
        "{1s: {middle: shows portal}, 2s: {middle: clears}",
        "{1s: {job: pauses for 1s}",
    ],
)
def test_an_earlier_fault_that_is_over_saves_no_late_one(late, before):
    assert len(late(f"{before}, 100s: {{wifi: silent}}}}")) == 1


@pytest.mark.parametrize(
    "before",
    [
        "wifi: silent",
        "cellular: reset",
        "wifi: 3g",
        "device: goes offline",
        "device: loses wifi",
        "device: suspends for 99s",
        "middle: mutes streams",
        "server: hangs",
        "server: restarts losing log after 99s",
        "job: pauses",
    ],
)
def test_a_deed_in_force_just_before_may_keep_somebody_there(plan, before):
    found = plan(f"timeline: {{1s: {{{before}}}, 99.5s: {{wifi: sliced to 10B}}}}\n", head=HEAD)
    assert found.deeds[-1].at == 99.5


def test_a_path_that_was_never_up_keeps_nobody(problems):
    head = HEAD.replace("cellular: lte", "cellular: offline")
    assert len(problems(f"{head}timeline: {{1s: {{wifi: reset once}}, 100s: {{wifi: silent}}}}\n")) == 1


def test_the_end_of_a_deed_is_never_refused(plan):
    found = plan("timeline: {1s: {wifi: silent for 200s}}\n", head=HEAD)
    assert [deed.at for deed in found.deeds] == [1.0, 201.0]


def test_a_deed_within_a_second_of_the_end_may_meet_what_clients_do_last(plan, late):
    assert plan("timeline: {3.9s: {wifi: silent}}\n", head=HEAD).deeds[0].at == 3.9
    assert len(late("{4.5s: {wifi: silent}}")) == 1


def test_a_client_may_still_be_getting_over_what_is_over(plan):
    """The regressions hold deeds that met clients nine seconds after their job's end."""
    assert plan("timeline: {2s: {wifi: silent for 1s}, 20s: {wifi: closed once}}\n", head=HEAD).deeds[-1].at == 20.0


def test_of_a_repeated_deed_the_first_in_vain_is_told(late):
    assert late("{0s..200s every 5s: {wifi: reset once}}") == [
        "4:38: timeline 1m15s: at 75 s the job of 3 s has been over for 72 s: nothing would be tried"
    ]


def test_a_job_that_a_deed_ended_is_over_sooner(problems):
    head = "scenario: a test\njob: {lasts: 90s}\npaths: {wifi: wifi}\n"
    assert problems(head + "timeline: {2s: {job: completes}, 80s: {wifi: silent}}\n") == [
        "4:46: timeline 1m20s: at 80 s the job has been over for 78 s: nothing would be tried"
    ]


def test_what_takes_long_to_be_said_is_waited_for(plan):
    results = "scenario: a test\njob: {lasts: 3s, results: 20MB}\npaths: {wifi: lte}\n"
    assert plan("timeline: {8s: {wifi: silent for 5s}}\n", head=results)
    assert plan("client: {handler takes: 1s}\ntimeline: {100s: {wifi: silent}}\n", head=HEAD)
    assert plan("client: {arrive: within 30s}\ntimeline: {32s: {wifi: silent}}\n", head=HEAD)


def test_a_profiles_departure_after_the_end_is_no_deed(plan):
    head = "scenario: a test\njob: {lasts: 3s}\npaths: {wifi: wifi-edge, cellular: lte}\n"
    assert plan(head=head).deeds == ()
    assert [deed.at for deed in plan("timeline: {1s: {wifi: stalled}}\n", head=head).deeds] == [1.0, 10.0]


def test_a_departure_after_the_command_lines_limit_is_no_deed(plan):
    head = "scenario: a test\njob: {lasts: 60s}\npaths: {wifi: wifi-edge, cellular: lte}\n"
    assert plan(head=head, limit=5.0).deeds == ()
    with pytest.raises(UsageError, match="comes after the limit at 5s"):
        plan("timeline: {7s: {wifi: up}}\n", head=head, limit=5.0)


# Can any client pass?


@pytest.mark.parametrize(
    ("timeline", "found"),
    [
        ("{10s: {wifi: silent}}", (10.0, "silent")),
        ("{10s: {wifi: silent downstream only}}", (10.0, "silent downstream only")),
        ("{10s: {wifi: stalled}}", (10.0, "stalled")),
        ("{10s: {wifi: closed}}", (10.0, "closed")),
        ("{10s: {wifi: unreachable}, 20s: {wifi: reset once}}", (20.0, "reset once")),
        ("{10s: {wifi: refused}, 20s: {wifi: closed mid data}}", (20.0, "closed mid data")),
        ("{0s: {wifi: refused}}", (0.0, "refused")),
        ("{10s: {device: loses wifi}}", (10.0, "loses wifi")),
        ("{10s: {device: goes offline}}", (10.0, "goes offline")),
        ("{10s: {server: drains}}", (10.0, "drains")),
        ("{10s: {server: hangs}}", (10.0, "hangs")),
        ("{10s: {middle: answers 503}, 20s: {wifi: closed once}}", (20.0, "closed once")),
        ("{0s: {middle: shows portal}}", (0.0, "shows portal")),
        ("{0s: {middle: [mutes streams, answers 503 to polls]}}", (0.0, "answers 503 to polls")),
        ("{10s: {middle: [mutes streams, answers 503 to polls]}}", (10.0, "answers 503 to polls")),
        ("{10s: {device: suspends for 5s}, 12s: {middle: shows portal}}", (15.0, "suspends for 5s")),
        ("{10s: {wifi: silent}, 20s: {wifi: closed}, 30s: {wifi: stalled}}", (10.0, "silent")),
        ("{10s: {wifi: silent for 5s}, 20s: {wifi: wifi-edge}}", (30.0, "silent (wifi-edge: gone after 10s)")),
    ],
)
def test_the_only_way_is_lost_for_good(loss, timeline, found):
    assert loss(timeline) == found


@pytest.mark.parametrize(
    "timeline",
    [
        "{10s: {wifi: silent for 30s}}",
        "{10s: {wifi: silent upstream only}}",  # what the server says arrives
        "{10s: {wifi: refused}}",  # a client that has a stream keeps it
        "{10s: {wifi: unreachable}}",
        "{10s: {wifi: silent}, 50s: {wifi: up}}",
        "{10s: {wifi: closed once}}",
        "{10s: {device: loses wifi}, 20s: {device: joins wifi}}",
        "{10s: {device: suspends for 30s}}",
        "{10s: {server: restarts losing log after 30s}}",
        "{0s: {middle: mutes streams}}",  # polls pass
        "{10s: {middle: mutes streams}}",
        "{10s: {middle: [buffers 1KB, answers 503 to polls]}}",  # what is held comes later
        "{10s: {middle: kills idle after 1s}}",  # what is not idle lives
        "{10s: {device: suspends for 5s}, 12s: {middle: answers 404}}",
        "{10s: {middle: buffers 1KB}, 11s: {wifi: refused}}",
        "{10s: {middle: kills idle after 60s, wifi: refused}}",
        "{10s: {device: suspends for 5s}, 20s: {wifi: refused}}",  # who woke has a new one
        "{0s: {middle: answers 403 to streams}}",
        "{0s: {middle: answers 404}}",  # a client stops, lawfully
        "{10s: {middle: answers 503 3 times}, 20s: {wifi: closed once}}",
        "{10s: {middle: answers 503}}",  # an open stream is no request
        "{59.9s: {wifi: lte}}",
    ],
)
def test_a_way_is_left(loss, timeline):
    assert loss(timeline) is None


def test_the_other_path_is_a_way_only_once_the_device_has_taken_it(loss):
    head = LONE.replace("wifi: wifi", "wifi: wifi, cellular: lte")
    assert loss("{10s: {wifi: silent}}", head) == (10.0, "silent")
    assert loss("{10s: {wifi: silent}, 20s: {device: [loses wifi, joins cellular]}}", head) is None
    both = (
        "{10s: {device: joins cellular}, 20s: {wifi: silent}, 30s: {cellular: closed}, 40s: {device: prefers cellular}}"
    )
    assert loss(both, head) == (20.0, "silent")
    assert loss("{10s: {device: goes offline}}", head.replace("paths", "device: {linger: 4s}\npaths")) == (
        10.0,
        "goes offline",
    )
    lingers = head.replace("paths", "device: {linger: 4s}\npaths")
    assert loss("{10s: {device: loses wifi}}", lingers) == (14.0, "loses wifi")
    assert loss("{10s: {device: loses wifi}, 12s: {device: goes offline}}", lingers) == (12.0, "goes offline")
    assert loss("{10s: {device: loses wifi}, 12s: {wifi: silent}}", lingers) == (12.0, "silent")
    assert loss("{10s: {device: loses wifi}, 12s: {device: joins wifi}}", lingers) is None
    assert loss("{10s: {device: loses wifi}, 14s: {device: joins wifi}}", lingers) is None


def test_what_is_lost_when_all_has_been_said_is_no_loss(loss):
    assert loss("{60.5s: {wifi: silent}}") is None
    never = LONE.replace("60s", "60s, ends: never, updates: every 50s")
    assert loss("{55s: {wifi: silent}}", never) is None
    assert loss("{45s: {wifi: silent}}", never) == (45.0, "silent")


def test_a_plan_that_nobody_can_pass_is_warned_of_at_its_deed(warnings):
    assert warnings(LONE + "timeline: {10s: {wifi: silent}}\n") == [
        f"4:24: {NOBODY}: wifi silent at 10s leaves no way to the job for good; {FROM_THEN}",
    ]


def test_a_profile_that_departs_for_good_is_warned_of_where_the_path_has_it(warnings):
    (one,) = warnings(LONE.replace("wifi: wifi", "wifi: wifi-edge"))
    assert one.startswith("3:15: no client can pass: wifi silent (wifi-edge: gone after 10s) at 10s leaves no way")


def test_a_path_that_nobody_is_ever_let_in_on_is_warned_of(warnings):
    (one,) = warnings(LONE.replace("wifi: wifi", "wifi: offline"))
    assert one.startswith("3:1: no client can pass: no path lets a client in, and none ever does")


@pytest.mark.parametrize(
    "bound", ["recovery: under 5s", "terminal: within 2s of the end", "lost: 0", "results ready: within 2s of the end"]
)
def test_what_nobody_can_meet_is_no_expectation(problems, bound):
    metric = bound.partition(":")[0]
    (one,) = problems(f"{LONE}timeline: {{10s: {{wifi: silent}}}}\nexpect: {{{bound}}}\n")
    assert one.startswith("5:") and f"expect {metric}: no client could meet it: wifi silent at 10s" in one  # noqa: PT018


def test_a_warning_of_some_variants_says_whose_it_is(warnings):
    text = LONE.replace("job", "sweep: {word: [silent, closed once]}\njob") + "timeline: {10s: {wifi: $word}}\n"
    assert [one.endswith("(with word=silent)") for one in warnings(text)] == [True]


def test_a_watchdog_that_keepalives_do_not_feed_in_time_is_warned_of(warnings):
    kill = "timeline: {0s: {middle: kills idle after 60s}}\n"
    head = "scenario: a test\njob: {lasts: 3m, updates: every 80s}\npaths: {wifi: wifi}\n"
    assert warnings(head + "server: {keepalive: 90s}\n" + kill) == [
        f"4:21: the client's watchdog of 20s is not above the server's keep-alive of 1m30s: {LEAVES}",
    ]
    assert warnings(head + "server: {keepalive: 90s}\nclient: {watchdog: 90s}\n" + kill)[0].startswith("5:20: ")
    assert warnings(head + "server: {keepalive: 90s}\nclient: {watchdog: 91s}\n" + kill) == []
    assert warnings(head + "server: {keepalive: 90s}\n" + kill, client="as-shipped") == []
    assert warnings(head + kill) == []


def test_where_no_keepalive_feeds_it_the_jobs_own_silence_counts(warnings):
    head = "scenario: a test\njob: {lasts: 1m, updates: every EVERY}\npaths: {wifi: wifi}\n"
    for setting in ("server: {keepalive: none}\n", "client: {watchdog fed by: events}\n"):
        assert warnings(head.replace("EVERY", "2s") + setting) == []
        (one,) = warnings(head.replace("EVERY", "25s") + setting)
        assert "not above the 25s in which the job says nothing" in one


def test_an_update_that_its_client_takes_for_no_event_is_warned_of(warnings):
    head = "scenario: a test\njob: {lasts: 5s, event size: SIZE}\npaths: {wifi: wifi}\n"
    (one,) = warnings(head.replace("SIZE", "1MB"))
    assert one.startswith("2:30: an update of 1MB, with its other fields, is above the client's max event of 1MB: ")
    (one,) = warnings(head.replace("SIZE", "10KB") + "client: {max event: 5KB}\n")
    assert one.startswith("4:21: an update of 10KB")
    assert warnings(head.replace("SIZE", "999KB")) == []
    assert warnings(head.replace("SIZE", "1MB"), client="as-shipped") == []


@pytest.mark.parametrize("word", ["refused", "unreachable"])
def test_who_refuses_nobody_is_warned_of(warnings, word):
    def unmet(timeline, more="", head=LONE):
        return [one for one in warnings(f"{head}{more}timeline: {timeline}\n") if "nobody dials" in one]

    brief = f"{{10s: {{wifi: {word} for 900ms}}}}"
    (one,) = unmet(brief)
    assert one.startswith(
        f"4:24: nobody dials while wifi {word} for 900ms: it ends no stream, and is over after 900ms, "
    )
    assert one.endswith("before a client's first wait of 1s is")
    assert unmet(brief.replace("900ms", "1s")) == []
    assert unmet(brief, "client: {backoff: 500ms to 5s}\n") == []
    assert unmet(brief.replace("10s", "0s")) == []  # the first dial meets it
    assert unmet(brief.replace("10s", "59.5s")) == []  # who asks for the results does
    assert unmet(brief, "server: {token: lasts 5s}\n") == []  # a stream that ends by itself may be dialled anew
    assert len(unmet(f"{{10s: {{wifi: {word}}}, 10.5s: {{wifi: up}}}}")) == 1
    assert len(unmet("{10s: {wifi: 3g}, 20s: {job: pauses}, 30s: {wifi: " + word + " for 900ms}}")) == 1
    for deed in (
        "wifi: reset once", "wifi: silent for 1s", "wifi: stalled for 1s", "wifi: closed mid data",
        "device: loses wifi", "middle: mutes streams", "middle: kills idle after 5s", "server: restarts keeping log",
        "server: silences keepalive",
    ):  # fmt: skip
        assert unmet(f"{{5s: {{{deed}}}, 10s: {{wifi: {word} for 900ms}}}}") == []
        assert unmet(f"{{10s: {{wifi: {word} for 900ms}}, 10.5s: {{{deed}}}}}") == []


def test_what_is_over_at_the_instant_of_another_deed_is_warned_of(warnings):
    def coinciding(timeline):
        return [one for one in warnings(f"{LONE}timeline: {timeline}\n") if "the instant of" in one]

    assert coinciding("{10s: {wifi: silent for 5s}, 15s: {wifi: closed once}}") == [
        "4:24: wifi silent for 5s is over at 15s, the instant of wifi closed once: nothing is tried between them"
    ]
    assert len(coinciding("{10s: {device: suspends for 5s}, 15s: {wifi: 3g}}")) == 1
    assert len(coinciding("{10s: {server: restarts losing log after 5s}, 15s: {wifi: 3g}}")) == 1
    assert len(coinciding("{0s..20s every 5s: {wifi: stalled for 5s}}")) == 1  # of a repeated one the first
    for apart in (
        "{10s: {wifi: silent for 5s}, 15.1s: {wifi: closed once}}",
        "{10s: {wifi: silent for 5s}, 12s: {middle: mutes streams for 3s}}",  # two ends
        "{10s: {wifi: silent for 5s}, 12s: {wifi: up}, 15s: {wifi: closed once}}",  # ended before
        "{10s: {job: bursts 5/s for 5s}, 15s: {wifi: closed once}}",
        "{10s: {wifi: 3g over 5s}, 15s: {wifi: closed once}}",
    ):
        assert coinciding(apart) == []


def test_a_phone_that_comes_online_long_after_the_end_is_a_scenario_worth_having(plan):
    head = LONE.replace("60s", "40s")
    assert (
        plan("timeline: {30s: {device: goes offline}, 70s: {device: comes online}}\n", head=head).deeds[-1].at == 70.0
    )


def test_no_scenario_that_ships_is_warned_of():
    from harness.scenario import bundled

    assert [warned(plans(load(path))) for path in bundled().values()] == [[]] * len(bundled())
