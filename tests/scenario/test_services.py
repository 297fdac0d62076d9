import pytest

from harness.deeds.acts import (
    Answers,
    Buffers,
    Bursts,
    Clears,
    Drains,
    Ends,
    Hangs,
    KillsIdle,
    MutesStreams,
    Orphans,
    Pauses,
    Recovers,
    Repeats,
    ResetsStreams,
    Restarts,
    Resumes,
    RevokesToken,
    SendsRetry,
    ShowsPortal,
    SilencesKeepalive,
)
from harness.deeds.catalogue import Actor
from harness.errors import UsageError
from harness.scenario.deeds import SPEECHES
from harness.scenario.forms import ParsedDeed

MIDDLE, SERVER, JOB = (SPEECHES[actor] for actor in (Actor.MIDDLE, Actor.SERVER, Actor.JOB))


@pytest.mark.parametrize("speech", [MIDDLE, SERVER])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("answers 503", ParsedDeed(Answers(status=503))),
        ("answers 403 to streams", ParsedDeed(Answers(status=403, to="streams"))),
        ("answers 429 to polls for 10s", ParsedDeed(Answers(status=429, to="polls"), 10.0)),
        ("answers 410 to results 2 times", ParsedDeed(Answers(status=410, to="results", times=2))),
        ("answers 503 retry-after 7s 3 times", ParsedDeed(Answers(status=503, retry_after=7.0, times=3))),
        ("answers 503 retry-after 7s as date", ParsedDeed(Answers(status=503, retry_after=7.0, dated=True))),
        (
            "answers 503 retry-after 7s to streams for 1m",
            ParsedDeed(Answers(status=503, retry_after=7.0, to="streams"), 60.0),
        ),
    ],
)
def test_middle_and_server_answer_alike(speech, text, said):
    assert speech.parse(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shows portal for 30s", ParsedDeed(ShowsPortal(), 30.0)),
        ("mutes streams", ParsedDeed(MutesStreams())),
        ("resets streams for 5s", ParsedDeed(ResetsStreams(), 5.0)),
        ("buffers 64KB", ParsedDeed(Buffers(size=64_000))),
        ("buffers each event for 9s", ParsedDeed(Buffers(each_event=True), 9.0)),
        ("buffers 30s for 2m", ParsedDeed(Buffers(seconds=30.0), 120.0)),
        ("kills idle after 60s", ParsedDeed(KillsIdle(after=60.0))),
        ("kills idle after 5m silently", ParsedDeed(KillsIdle(after=300.0, how="silently"))),
        ("kills idle after 100s with 524", ParsedDeed(KillsIdle(after=100.0, how="524"))),
        ("clears", ParsedDeed(Clears())),
    ],
)
def test_middle_deeds(text, said):
    assert MIDDLE.parse(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("restarts keeping log after 5s", ParsedDeed(Restarts(keeps_log=True, after=5.0))),
        ("restarts losing log", ParsedDeed(Restarts(keeps_log=False))),
        ("orphan for 40s", ParsedDeed(Orphans(after=40.0))),
        ("drains for 3s", ParsedDeed(Drains(), 3.0)),
        ("hangs", ParsedDeed(Hangs())),
        ("sends retry abc", ParsedDeed(SendsRetry(value="abc"))),
        ("sends retry 3600000", ParsedDeed(SendsRetry(value="3600000"))),
        ("repeats 10 for 10s", ParsedDeed(Repeats(count=10), 10.0)),
        ("revokes token", ParsedDeed(RevokesToken())),
        ("silences keepalive for 1m", ParsedDeed(SilencesKeepalive(), 60.0)),
        ("recovers", ParsedDeed(Recovers())),
    ],
)
def test_server_deeds(text, said):
    assert SERVER.parse(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pauses for 10s", ParsedDeed(Pauses(), 10.0)),
        ("resumes", ParsedDeed(Resumes())),
        ("bursts 200/s for 20s", ParsedDeed(Bursts(rate=200.0, lasts=20.0))),
        ("completes", ParsedDeed(Ends(how="completed"))),
        ("fails bad_csv", ParsedDeed(Ends(how="failed", code="bad_csv"))),
        ("times out", ParsedDeed(Ends(how="timeout"))),
    ],
)
def test_job_deeds(text, said):
    assert JOB.parse(text) == said


WHOLE = "whole seconds after retry-after (RFC 9110, 10.2.3)"
KILLS = '"kills idle after DURATION [silently | with CODE]"'
RESTARTS = '"restarts keeping log [after DURATION]" or "restarts losing log [after DURATION]"'
JOBS = "pauses [for DURATION], resumes, bursts RATE for DURATION, completes, fails WORD, times out"
BUFFERS = '"buffers SIZE [for DURATION]" or "buffers each event [for DURATION]" or "buffers DURATION [for DURATION]"'


@pytest.mark.parametrize(
    ("speech", "text", "why"),
    [
        (MIDDLE, "anwsers 503", '"anwsers 503" is no deed of the middle (did you mean "answers"?)'),
        (MIDDLE, "answers 99", 'expected a status such as 503, got "99"'),
        (MIDDLE, "answers 101", "expected a final status from 200 on, got 101"),
        (MIDDLE, "answers 503 retry-after 500ms", f"expected {WHOLE}, got 0.5 s"),
        (MIDDLE, "answers 503 as date", "expected retry-after and a duration before as date"),
        (MIDDLE, "answers 503 0 times", "expected a number from 1 to 10000, got 0"),
        (MIDDLE, "buffers x", f'expected {BUFFERS}, got "buffers x"'),
        (MIDDLE, "buffers 0B", "expected more than zero, got 0"),
        (MIDDLE, "kills idle after 60s with 204", "expected a status that a box answers with, such as 524, got 204"),
        (MIDDLE, "kills idle after 60s for 5s", f'expected {KILLS}, got "kills idle after 60s for 5s"'),
        (MIDDLE, "fails tls silently", '"middle: fails tls silently" is not built yet'),
        (SERVER, "restart losing log", '"restart losing log" is no deed of the server (did you mean "restarts"?)'),
        (SERVER, "restarts", f'expected {RESTARTS}, got "restarts"'),
        (SERVER, "shuffles 5", '"server: shuffles 5" is not built yet'),
        (SERVER, "clock +1h", '"server: clock +1h" is not built yet'),
        (SERVER, "repeats 0", "expected a number from 1 to 10000, got 0"),
        (SERVER, f"sends retry {'9' * 65}", f"expected one printable word of at most 64 signs, got \"{'9' * 59}…\""),
        (JOB, "bursts 20001/s for 1s", "expected a rate above zero and up to 10000/s, got 20001/s"),
        (JOB, "bursts 10000/s for 11s", "expected at most 100000 events of one burst, got 110000"),
        (JOB, "fails a/b", 'expected a code of letters, digits, _ . and -, got "a/b"'),
        (JOB, "ends", f'"ends" is no deed of the job: expected {JOBS}'),
    ],
)  # fmt: skip
def test_wrong_deeds(speech, text, why):
    with pytest.raises(UsageError) as refusal:
        speech.parse(text)
    assert str(refusal.value) == why
