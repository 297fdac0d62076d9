import itertools
import random
import re
from pathlib import Path

import msgspec
import pytest

import harness.sse
from harness.sse import (
    REFERENCE,
    Connect,
    Input,
    Jitter,
    KeepReading,
    NoTransition,
    Poll,
    ReadyState,
    Reconnection,
    ResetsOn,
    Stop,
    Wait,
)
from harness.sse.reconnection import TRANSITIONS, diagram

STEADY = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE)

# How to bring a fresh machine into each state.
WAYS = {
    ReadyState.CONNECTING: [],
    ReadyState.OPEN: [Input.CONNECTED],
    ReadyState.WAITING: [Input.CONNECT_FAILED],
    ReadyState.POLLING: [Input.FALLBACK],
    ReadyState.CLOSED: [Input.CLOSE],
}


class Machine:
    """A machine with a clock of its own: ``do`` takes inputs one second apart and returns the last answer."""

    def __init__(self, policies=STEADY, **changes):
        self.core = Reconnection(msgspec.structs.replace(policies, **changes), now=0.0)
        self.now = 0.0

    def do(self, *inputs, **options):
        for what in inputs:
            self.now += 1
            output = self.core.take(what, now=self.now, rng=random.Random(1), **options)
        return output


def machine_in(state, **changes):
    machine = Machine(**changes)
    if WAYS[state]:
        machine.do(*WAYS[state])
    assert machine.core.state is state
    return machine


def facts(machine):
    return dict(vars(machine.core))


@pytest.mark.parametrize(("state", "what"), list(itertools.product(ReadyState, Input)), ids=str)
def test_every_pair_goes_where_the_table_says_or_raises_and_changes_nothing(state, what):
    machine = machine_in(state)
    before = facts(machine)
    if (state, what) in TRANSITIONS:
        machine.do(what)
        assert machine.core.state is TRANSITIONS[state, what]
    else:
        with pytest.raises(NoTransition, match=re.escape(f"{what.value!r} cannot happen while {state.value}")):
            machine.do(what)
        assert facts(machine) == before


ANSWERS = {
    ReadyState.OPEN: KeepReading,
    ReadyState.WAITING: Wait,
    ReadyState.POLLING: Poll,
    ReadyState.CLOSED: Stop,
    ReadyState.CONNECTING: Connect,
}


@pytest.mark.parametrize(("state", "what"), list(TRANSITIONS), ids=str)
def test_every_row_answers_what_its_new_state_asks_for(state, what):
    assert isinstance(machine_in(state).do(what), ANSWERS[TRANSITIONS[state, what]])


def test_every_state_but_closed_can_be_closed_and_closed_is_final():
    assert all(TRANSITIONS[state, Input.CLOSE] is ReadyState.CLOSED for state in ReadyState)
    assert [what for state, what in TRANSITIONS if state is ReadyState.CLOSED] == [Input.CLOSE]


def test_item_66_waits_grow_while_attempts_bring_nothing():
    machine = Machine()
    waits = [machine.do(Input.CONNECT_FAILED)]
    waits += [machine.do(Input.TIMER_DUE, Input.CONNECT_FAILED) for _ in range(6)]
    assert waits == [Wait(1.0), Wait(2.0), Wait(4.0), Wait(8.0), Wait(16.0), Wait(30.0), Wait(30.0)]


def test_connected_and_repeated_events_reset_nothing_but_a_fresh_event_does():
    machine = Machine()
    machine.do(Input.CONNECT_FAILED, Input.TIMER_DUE)
    assert machine.do(Input.CONNECTED, Input.REPEATED, Input.BROKEN) == Wait(2.0)
    assert machine.do(Input.TIMER_DUE, Input.CONNECTED, Input.EVENT, Input.BROKEN) == Wait(1.0)


def test_an_open_stream_resets_where_the_policy_says_so():
    machine = Machine(backoff_resets_on=ResetsOn.OPEN)
    machine.do(Input.CONNECT_FAILED, Input.TIMER_DUE, Input.CONNECT_FAILED, Input.TIMER_DUE)
    assert machine.do(Input.CONNECTED, Input.BROKEN) == Wait(1.0)


@pytest.mark.parametrize(("end", "expected"), [(Input.ENDED, 1.0), (Input.BROKEN, 4.0)])
def test_only_a_clean_end_after_the_cap_resets(end, expected):
    machine = Machine(polls_after_failures=None)
    machine.do(Input.CONNECT_FAILED, Input.TIMER_DUE, Input.CONNECT_FAILED, Input.TIMER_DUE, Input.CONNECTED)
    machine.now += 40
    assert machine.do(end) == Wait(expected)


def test_a_signal_ends_one_wait_and_keeps_the_count():
    machine = Machine()
    machine.do(Input.CONNECT_FAILED, Input.TIMER_DUE, Input.CONNECT_FAILED)
    assert machine.do(Input.SIGNAL) == Connect()
    assert machine.do(Input.CONNECT_FAILED) == Wait(4.0)


def test_a_signal_replaces_a_hung_dial_and_leaves_an_open_stream_alone():
    assert machine_in(ReadyState.CONNECTING).do(Input.SIGNAL) == Connect()
    assert machine_in(ReadyState.OPEN).do(Input.SIGNAL) == KeepReading()


def test_waking_begins_anew_whatever_was_open_and_keeps_the_count():
    for state in (ReadyState.CONNECTING, ReadyState.OPEN):
        machine = machine_in(state)
        assert machine.do(Input.RESUMED) == Connect()
        assert machine.core.state is ReadyState.CONNECTING
        assert machine.do(Input.CONNECT_FAILED) == Wait(2.0)


def test_a_wait_that_polling_cuts_short_has_counted_its_attempt_once():
    machine = machine_in(ReadyState.CONNECTING)
    machine.do(Input.REFUSED, Input.FALLBACK)  # n is 1, by the wait that was not waited out
    assert machine.do(Input.TIMER_DUE, Input.CONNECT_FAILED) == Wait(2.0)
    machine.do(Input.TIMER_DUE)
    assert machine.do(Input.CONNECT_FAILED) == Wait(4.0)


def test_each_attempt_from_polling_counts():
    machine = machine_in(ReadyState.CONNECTING)
    machine.do(Input.REFUSED, Input.FALLBACK, Input.TIMER_DUE, Input.FALLBACK)
    assert machine.do(Input.SIGNAL, Input.CONNECT_FAILED) == Wait(4.0)


def test_a_refreshed_token_tries_at_once():
    machine = Machine()
    assert machine.do(Input.TOKEN_REFRESHED) == Connect()
    assert machine.do(Input.REFUSED) == Wait(2.0)


def test_retry_after_and_retry_reach_the_wait():
    machine = Machine()
    assert machine.do(Input.REFUSED, retry_after=20.0) == Wait(20.0)
    machine.core.note_retry(3.0)
    assert machine.do(Input.TIMER_DUE, Input.CONNECT_FAILED) == Wait(6.0)


def test_three_attempts_that_connect_in_vain_lead_to_polling():
    machine = Machine(falls_back_within=1e9)
    machine.do(Input.REFUSED, Input.TIMER_DUE, Input.CONNECTED, Input.ENDED, Input.TIMER_DUE)
    assert machine.do(Input.WATCHDOG) == Poll(300.0)


def test_failed_dials_never_lead_to_polling():
    machine = Machine()
    for _ in range(20):
        assert isinstance(machine.do(Input.CONNECT_FAILED), Wait)
        machine.do(Input.TIMER_DUE)
    assert machine.core.fallback_deadline is None


def test_an_event_makes_an_attempt_no_failure_even_a_repeated_one():
    machine = Machine(polls_after_failures=1)
    assert machine.do(Input.CONNECTED, Input.REPEATED, Input.BROKEN) == Wait(1.0)


def test_the_time_since_the_first_failing_attempt_is_a_deadline():
    machine = Machine()
    machine.do(Input.CONNECTED, Input.ENDED)
    assert machine.core.fallback_deadline == 20.0
    machine.do(Input.TIMER_DUE)
    assert machine.core.fallback_deadline == 20.0
    machine.do(Input.CONNECTED)
    assert machine.core.fallback_deadline is None


def test_while_polling_one_more_attempt_in_vain_leads_back_to_polling():
    machine = Machine()
    machine.do(Input.FALLBACK)
    assert machine.do(Input.TIMER_DUE) == Connect()
    assert machine.do(Input.REFUSED) == Poll(300.0)
    assert machine.core.fallback_deadline is None


def test_a_server_that_fails_streams_and_polls_is_not_asked_without_a_wait():
    machine = Machine()
    machine.do(Input.FALLBACK, Input.POLL_FAILED)
    assert machine.do(Input.REFUSED) == Wait(2.0)
    machine.do(Input.TIMER_DUE, Input.REFUSED, Input.POLL_FAILED)
    assert machine.do(Input.REFUSED) == Wait(8.0)


def test_the_client_gives_up_after_its_attempts_and_says_so():
    machine = Machine(gives_up_after=2)
    machine.do(Input.CONNECT_FAILED, Input.TIMER_DUE)
    assert machine.do(Input.CONNECT_FAILED) == Stop("gave up after 2 attempts")


def test_a_fresh_event_renews_the_attempts():
    machine = Machine(gives_up_after=2)
    machine.do(Input.CONNECT_FAILED, Input.TIMER_DUE, Input.CONNECTED, Input.EVENT, Input.ENDED)
    assert machine.do(Input.TIMER_DUE, Input.CONNECT_FAILED) == Wait(2.0)


def test_stop_carries_the_reason_given():
    assert machine_in(ReadyState.CONNECTING).do(Input.STOPPED, reason="status 404") == Stop("status 404")
    assert machine_in(ReadyState.OPEN).do(Input.TERMINAL) == Stop("the job ended")


def test_the_readme_holds_the_diagram_of_the_table():
    readme = (Path(harness.sse.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert re.findall("```mermaid\n(.*?)\n```", readme, re.DOTALL) == [diagram()]


def test_the_diagram_draws_every_row():
    arrows = re.findall(r"^    (\w+) --> (\w+): (.*)$", diagram(), re.MULTILINE)
    drawn = {(ReadyState[a], Input(name)): ReadyState[b] for a, b, names in arrows for name in names.split(", ")}
    assert drawn == TRANSITIONS


def test_the_readmes_example_is_true():
    readme = (Path(harness.sse.__file__).parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall("```python\n(.*?)```", readme, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
