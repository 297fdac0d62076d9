import msgspec

from harness.sse import REFERENCE, Fallback


def failed(*began, policies=REFERENCE):
    rule = Fallback.of(policies)
    for instant in began:
        rule = rule.after_failure(instant)
    return rule


def test_nothing_is_due_without_a_failure():
    assert not failed().due(1e9)
    assert failed().deadline is None


def test_three_failures_are_enough():
    assert not failed(0.0, 1.0).due(2.0)
    assert failed(0.0, 1.0, 2.0).due(2.0)


def test_twenty_seconds_since_the_first_failing_attempt_began_are_enough():
    assert failed(5.0, 9.0).deadline == 25.0
    assert not failed(5.0).due(24.9)
    assert failed(5.0).due(25.0)


def test_an_event_forgets_all():
    assert failed(0.0, 1.0, 2.0).after_fallback().after_event() == failed()


def test_once_polling_one_more_failure_is_enough_and_no_deadline_presses():
    rule = failed(0.0).after_fallback()
    assert rule.due(1.0)
    assert rule.deadline is None


def test_never_is_never():
    rule = failed(0.0, 1.0, 2.0, 3.0, policies=msgspec.structs.replace(REFERENCE, polls_after_failures=None))
    assert not rule.due(1e9)
    assert rule.deadline is None
