"""Felt: what each deed touched of a client's own, on real histories in virtual time; and that it touched nothing."""

from typing import Any

import pytest

from harness.deeds.catalogue import ROWS
from harness.history import (
    Boxed,
    Chunk,
    Conn,
    ConnEnd,
    Delivered,
    Dial,
    Request,
    Rescheduled,
    Response,
    SignalHeard,
    Subscriber,
)
from harness.history.records import Record
from harness.judge.case import Case
from harness.judge.facts.deed_effects import MARKS, on_its_own_flow, touched
from harness.judge.judge import judge
from harness.judge.verdict import ProvedBy
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans
from harness.scenario.deed_text import deed_text

DEAF = {"like": "as-shipped"}


def test_every_act_has_its_mark():
    assert MARKS.keys() == {row.act for row in ROWS}


def felt(timeline: dict[str, Any], **sections: Any) -> dict[str, Record | None]:
    """Return what each deed that was said touched of the only client, by its words."""
    facts = {
        "scenario": "felt",
        "job": {"lasts": "20s", "updates": "every 500ms"},
        "paths": {"wifi": "wifi", "cellular": "lte"},
        "timeline": timeline,
        **sections,
    }
    [plan] = plans(Scenario(**facts), world="virtual")
    found = touched(Case(plan, rehearse(plan, proofs=False)).clients[0])
    return {deed_text(deed): found.get(deed.index) for deed in plan.deeds if deed.undoes is None}


RESET = {"wifi": "reset once"}
BOTH = ["joins cellular", "prefers cellular"]


@pytest.mark.parametrize(
    ("said", "timeline", "sections", "kind"),
    [
        ("wifi silent for 3s", {"5s": {"wifi": "silent for 3s"}}, {}, Chunk),
        ("wifi stalled for 3s", {"5s": {"wifi": "stalled for 3s"}}, {}, Chunk),
        ("wifi stalled for 3s upstream only", {"18s": {"wifi": "stalled for 3s upstream only"}}, {}, ConnEnd),
        ("wifi closed for 3s", {"5s": {"wifi": "closed for 3s"}}, {}, Conn),
        ("wifi reset once", {"5s": RESET}, {}, Conn),
        ("wifi refused for 3s", {"5s": {"wifi": ["refused for 3s", "reset once"]}}, {}, Dial),
        ("wifi unreachable for 3s", {"5s": {"wifi": ["unreachable for 3s", "reset once"]}}, {}, Dial),
        ("wifi up", {"5s": {"wifi": "stalled"}, "6s": {"wifi": "up"}}, {}, Chunk),
        ("wifi edge for 3s", {"5s": {"wifi": "edge for 3s"}}, {}, Chunk),
        ("wifi sliced to 50B for 3s", {"5s": {"wifi": "sliced to 50B for 3s"}}, {}, Chunk),
        ("wifi limited to 64kbps for 3s", {"5s": {"wifi": "limited to 64kbps for 3s"}}, {}, Chunk),
        ("wifi closed mid data", {"5s": {"wifi": "closed mid data"}}, {}, Boxed),
        ("device joins cellular", {"5s": {"device": "joins cellular"}}, {}, SignalHeard),
        ("device prefers cellular", {"5s": {"device": BOTH}, "6s": RESET}, {"client": DEAF}, Dial),
        ("device loses wifi", {"5s": {"device": ["joins cellular", "loses wifi"]}}, {"client": DEAF}, Conn),
        ("device goes offline for 3s", {"5s": {"device": "goes offline for 3s"}}, {}, SignalHeard),
        ("device comes online", {"5s": {"device": "goes offline"}, "7s": {"device": "comes online"}}, {}, SignalHeard),
        ("device suspends for 3s", {"5s": {"device": "suspends for 3s"}}, {}, SignalHeard),
        ("middle answers 503 to streams", {"5s": {"middle": "answers 503 to streams", **RESET}}, {}, Boxed),
        ("middle answers 503 to results 1 times", {"5s": {"middle": "answers 503 to results 1 times"}}, {}, Boxed),
        ("server answers 503 for 3s", {"5s": {"server": "answers 503 for 3s", **RESET}}, {}, Boxed),
        ("middle shows portal for 3s", {"5s": {"middle": "shows portal for 3s", **RESET}}, {}, Boxed),
        ("middle mutes streams for 3s", {"5s": {"middle": "mutes streams for 3s"}}, {}, Boxed),
        ("middle resets streams for 3s", {"5s": {"middle": "resets streams for 3s"}}, {}, Boxed),
        ("middle buffers 2KB for 3s", {"5s": {"middle": "buffers 2KB for 3s"}}, {}, Boxed),
        ("middle kills idle after 2s", {"5s": {"middle": "kills idle after 2s", "job": "pauses for 5s"}}, {}, Boxed),
        ("middle clears", {"5s": {"middle": "mutes streams"}, "7s": {"middle": "clears"}}, {}, Request),
        ("server restarts keeping log after 1s", {"5s": {"server": "restarts keeping log after 1s"}}, {}, Conn),
        ("server drains for 3s", {"5s": {"server": "drains for 3s"}}, {}, Conn),
        ("server hangs for 3s", {"5s": {"server": "hangs for 3s", **RESET}}, {}, Request),
        ("server recovers", {"5s": {"server": "hangs"}, "7s": {"server": "recovers"}}, {}, Request),
        ("server sends retry 4000", {"5s": {"server": "sends retry 4000"}}, {}, Delivered),
        ("server repeats 2 for 5s", {"5s": {"server": "repeats 2 for 5s", **RESET}}, {}, Subscriber),
        ("server revokes token", {"5s": {"server": "revokes token"}}, {"server": {"token": "lasts 300s"}}, Response),
        (
            "server silences keepalive for 9s",
            {"5s": {"server": "silences keepalive for 9s", "job": "pauses for 8s"}},
            {"server": {"keepalive": "3s"}},
            Subscriber,
        ),
        (
            "server orphan for 1s",
            {"2s": {"server": "orphan for 1s"}, "5s": {"device": ["joins cellular", "loses wifi"]}},
            {},
            ConnEnd,
        ),
        ("job pauses for 3s", {"5s": {"job": "pauses for 3s"}}, {}, Rescheduled),
        ("job resumes", {"5s": {"job": "pauses"}, "6s": {"job": "resumes"}}, {}, Rescheduled),
        ("job bursts 20/s for 1s", {"5s": {"job": "bursts 20/s for 1s"}}, {}, Rescheduled),
        ("job completes", {"5s": {"job": "completes"}}, {}, Rescheduled),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_deed_is_felt_by_the_record_that_shows_it(said, timeline, sections, kind):
    record = felt(timeline, **sections)[said]
    assert isinstance(record, kind)
    assert on_its_own_flow(record) == (kind not in {Rescheduled, Subscriber})


@pytest.mark.parametrize(
    ("said", "timeline", "sections"),
    [
        *(
            (f"cellular {word}", {"5s": {"cellular": word}}, {})
            for word in (
                "silent for 3s", "stalled for 3s", "closed for 3s", "reset once", "refused for 3s", "unreachable",
                "up", "edge for 3s", "sliced to 50B for 3s", "limited to 64kbps for 3s", "closed mid data",
            )
        ),
        ("wifi refused for 3s", {"5s": {"wifi": "refused for 3s"}}, {}),
        ("wifi unreachable for 3s", {"5s": {"wifi": "unreachable for 3s"}}, {}),
        ("device joins cellular", {"5s": {"device": "joins cellular"}}, {"client": DEAF}),
        (
            "device loses cellular",
            {"5s": {"device": "joins cellular"}, "7s": {"device": "loses cellular"}},
            {"client": DEAF},
        ),
        ("middle answers 503 to results for 3s", {"5s": {"middle": "answers 503 to results for 3s"}}, {}),
        ("middle answers 503 to polls for 3s", {"5s": {"middle": "answers 503 to polls for 3s", **RESET}}, {}),
        ("middle on cellular mutes streams for 3s", {"5s": {"middle on cellular": "mutes streams for 3s"}}, {}),
        ("middle shows portal for 3s", {"5s": {"middle": "shows portal for 3s"}}, {}),
        ("middle on cellular resets streams for 3s", {"5s": {"middle on cellular": "resets streams for 3s"}}, {}),
        ("middle kills idle after 9s", {"5s": {"middle": "kills idle after 9s"}}, {}),
        ("server repeats 2 for 5s", {"5s": {"server": "repeats 2 for 5s"}}, {}),
        ("server sends retry 40", {"4s": {"device": "goes offline for 3s"}, "6s": {"server": "sends retry 40"}}, {}),
        ("server silences keepalive for 9s", {"5s": {"server": "silences keepalive for 9s"}}, {}),
        ("server orphan for 1s", {"5s": {"server": "orphan for 1s"}}, {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_touches_nothing_of_a_client_is_not_felt(said, timeline, sections):
    assert felt(timeline, **sections)[said] is None


def test_what_took_its_place_is_what_is_felt():
    """No client felt a word that another replaced before anything met it."""
    found = felt({"5.1s": {"wifi": "stalled"}, "5.2s": {"wifi": "silent for 2s"}})
    assert found["wifi stalled"] is None
    assert isinstance(found["wifi silent for 2s"], Chunk)


def verdict_of(timeline: dict[str, Any], **sections: Any) -> Any:
    facts = {"scenario": "felt", "job": {"lasts": "20s"}, "paths": {"wifi": "wifi", "cellular": "lte"}}
    [plan] = plans(Scenario(**facts, timeline=timeline, **sections), world="virtual")
    return judge(plan, rehearse(plan))


def test_the_verdict_names_what_was_never_felt_and_counts_it_in_its_sentence():
    verdict = verdict_of({"5s": {"middle": "answers 503 to results for 2s", "wifi": "reset once"}})
    assert [(one.said, one.unfelt) for one in verdict.deeds] == [
        ("middle answers 503 to results for 2s at 5 s", True),
        ("wifi reset once at 5 s", False),
        ("end of middle answers 503 to results at 7 s", False),
    ]
    assert verdict.sentence.endswith("0 repeated, 1 deed never felt.")
    assert verdict.deeds[1].way is ProvedBy.FLOW
    assert verdict.deeds[0].way is ProvedBy.CANARY


def test_each_client_feels_for_itself():
    verdict = verdict_of({"5s": {"wifi": "reset once"}}, client={"count": "3", "arrive": "within 9s"})
    assert (verdict.deeds[0].felt, verdict.deeds[0].clients) == (2, 3)
    assert not verdict.deeds[0].unfelt


def test_what_came_too_late_or_never_is_not_called_unfelt():
    verdict = verdict_of({"20.5s": {"cellular": "silent"}})
    assert (verdict.deeds[0].way, verdict.deeds[0].unfelt) == (ProvedBy.UNTRIED, False)
