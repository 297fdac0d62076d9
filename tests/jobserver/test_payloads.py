import json

import pytest

from harness.jobserver.jobs import JobLog
from harness.jobserver.payloads import Payloads, results
from harness.jobserver.work import Work
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.encoder import encode
from harness.sse.events import Event
from harness.sse.parser import Parser

KINDS = ["ascii", "utf8", "hostile"]


@pytest.mark.parametrize("characters", KINDS)
@pytest.mark.parametrize("size", [200, 201, 202, 203, 1000, 256_000])
def test_processing_data_has_exactly_its_size(characters, size):
    payloads = Payloads("j" * 16, "csv-import", JobSpec(lasts=1.0, event_size=size), characters)
    data = payloads.data("processing", 50)
    least = len(Payloads("j" * 16, "csv-import", JobSpec(lasts=1.0, event_size=0), characters).data("processing", 50))
    assert len(data.encode()) == size or size <= least + 1
    assert json.loads(data)["processedCount"] == 50


def test_size_below_the_state_cuts_nothing():
    data = Payloads("j", "photo-scan", JobSpec(lasts=1.0, event_size=10), "ascii").data("processing", 1)
    assert json.loads(data)["message"] == "1 of 100 photos scanned"


def test_hostile_data_has_several_lines_and_what_only_looks_like_a_line_end():
    data = Payloads("j", "csv-import", JobSpec(lasts=1.0, event_size=900), "hostile").data("processing", 1)
    assert data.count("\n") > 5
    assert {"\u2028", "\u2029", "\x85", "\ufeff"} <= set(data)


@pytest.mark.parametrize("characters", KINDS)
@pytest.mark.parametrize("line_ends", ["lf", "cr", "crlf", "mixed"])
def test_every_event_survives_the_wire(characters, line_ends):
    spec = JobSpec(lasts=9.0, every=1.0, event_size=900)
    work = Work(spec)
    log = JobLog("j", "a", ServerSpec(line_ends=line_ends), Payloads("j", "csv-import", spec, characters))
    events = [log.append(work.take()) for _ in range(10)]
    parsed = Parser().feed(b"".join(event.wire for event in events))
    assert [(event.type, event.data) for event in events] == [
        (item.type, item.data) for item in parsed if isinstance(item, Event)
    ]


@pytest.mark.parametrize("characters", KINDS)
@pytest.mark.parametrize("ends", ["completed", "failed"])
def test_what_is_written_without_the_encoder_is_what_it_would_write(characters, ends):
    spec = JobSpec(lasts=3.0, every=1.0, event_size=900, ends=ends, code="E\r\n\u2028")
    work, log = Work(spec), JobLog("j", "a", ServerSpec(), Payloads("j", "csv-import", spec, characters))
    events = [log.append(work.take()) for _ in range(4)]
    assert [event.wire for event in events] == [encode(event.type, event.data, event.id) for event in events]


@pytest.mark.parametrize("size", [0, 1, 18, 10_000])
def test_results_have_exactly_their_size(size):
    assert len(results(JobSpec(lasts=1.0, results=size))) == size
