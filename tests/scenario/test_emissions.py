from harness.scenario.emissions import intended

HEAD = "scenario: x\njob: {lasts: 10s, updates: every 2s}\npaths: {wifi: wifi}\n"


def test_a_quiet_plan_intends_its_schedule(plan):
    assert intended(plan(head=HEAD), 0.5) == [0.5, 2.5, 4.5, 6.5, 8.5, 10.5]


def test_a_pause_leaves_out_what_was_due_and_not_the_end(plan):
    found = plan("timeline: {3s: {job: pauses for 4s}}\n", head=HEAD)
    assert intended(found, 0.0) == [0.0, 2.0, 8.0, 10.0]
    assert intended(plan("timeline: {3s: {job: pauses}}\n", head=HEAD), 0.0) == [0.0, 2.0, 10.0]


def test_a_burst_adds_its_own(plan):
    found = plan("timeline: {3s: {job: bursts 2/s for 2s}}\n", head=HEAD)
    assert intended(found, 0.0) == [0.0, 2.0, 3.0, 3.5, 4.0, 4.0, 4.5, 6.0, 8.0, 10.0]


def test_an_early_end_is_the_last(plan):
    assert intended(plan("timeline: {5s: {job: completes}}\n", head=HEAD), 0.0) == [0.0, 2.0, 4.0, 5.0]


def test_a_job_that_never_ends_has_no_terminal_event(plan):
    head = HEAD.replace("every 2s", "every 2s, ends: never")
    assert intended(plan(head=head), 0.0) == [0.0, 2.0, 4.0, 6.0, 8.0]
