import hashlib
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import trio
import trio.testing

from harness.errors import BadRecords, EnvironmentFault
from harness.history import App, Block, End, History, Journal, Run, Status, digest, read_history
from harness.history.journal import BATCH, FLUSH_EVERY


def a_run(**changes):
    facts = {"zero_ns": 1_000, "scenario": "s", "variant": "", "client": "reference", "world": "real", "seed": 7}
    return Run(**{**facts, **changes})


def written(tmp_path, *records, stamp=lambda: 5):
    path = tmp_path / "history.jsonl.gz"
    with Journal(path, stamp) as journal:
        for record in records:
            journal.write(record)
    return path


def test_records_come_back_as_they_were_written_numbered_and_stamped(tmp_path):
    app = App(client="c1", job="j", callback="processing", enter_ns=1, exit_ns=2, id="a-1", digest="d", progress=0.5)
    history = read_history(written(tmp_path, a_run(), app, End(reason="done")))
    assert [(record.seq, record.t_ns) for record in history.records] == [(1, 5), (2, 5), (3, 5)]
    assert history.all(App) == [app]
    assert (history.end.reason, history.truncated, history.zero_ns) == ("done", False, 1_000)


def test_words_that_come_again_are_kept_once_in_memory(tmp_path):
    app = App(client="c1", job="j", callback="processing", enter_ns=1, exit_ns=2, id="a-1", digest="d")
    block = Block(client="c1", attempt=1, id="a-1")
    history = read_history(written(tmp_path, block, app, app))
    first, again = history.all(App)
    assert first.id is again.id is history.all(Block)[0].id
    assert first.client is history.all(Block)[0].client
    assert first.digest is again.digest


def test_records_are_counted_by_kind(tmp_path):
    with Journal(tmp_path / "h", lambda: 1) as journal:
        for record in (a_run(), Status(client="c1", word="connected"), Status(client="c1", word="closed")):
            journal.write(record)
        assert journal.counts == {"run": 1, "status": 2}


@pytest.mark.parametrize("length", [0, 5, 999, 1000, 70_000])
def test_a_digest_is_that_of_type_and_data_however_often_it_is_asked_for(length):
    data = "€" * length
    expected = hashlib.blake2b(f"processing\n{data}".encode(), digest_size=8).hexdigest()
    assert [digest("processing", data) for _ in range(2)] == [expected] * 2
    assert digest("completed", data) != expected


def test_a_record_that_brings_its_own_stamp_keeps_it(tmp_path):
    history = read_history(written(tmp_path, Status(client="c1", word="connected", t_ns=77)))
    assert history.records[0].t_ns == 77


def test_the_tap_sees_each_record_once_it_is_numbered(tmp_path):
    seen = []
    with Journal(tmp_path / "h", lambda: 9, tap=lambda record: seen.append((record.seq, record.t_ns))) as journal:
        journal.write(a_run())
        journal.write(End(reason="done"))
    assert seen == [(1, 9), (2, 9)]


def test_a_full_batch_is_flushed_without_waiting_for_the_timer(tmp_path):
    path = tmp_path / "h"
    with Journal(path, lambda: 1) as journal:
        for _ in range(BATCH):
            journal.write(Status(client="c1", word="connected"))
        history = read_history(path)
        assert len(history.records) == BATCH
        assert history.truncated


def test_the_flusher_flushes_at_its_interval(tmp_path):
    path = tmp_path / "h"

    async def main():
        with Journal(path, lambda: 1) as journal:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(journal.keep_flushing)
                journal.write(a_run())
                await trio.sleep(FLUSH_EVERY * 0.99)
                before = path.stat().st_size
                await trio.sleep(FLUSH_EVERY * 0.02)
                nursery.cancel_scope.cancel()
                return before, len(read_history(path).records)

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)) == (0, 1)


KILLED = """
import os, signal, sys
from pathlib import Path
from harness.history import Journal, Status
journal = Journal(Path(sys.argv[1]), lambda: 1)
for number in range(1000):
    journal.write(Status(client="c1", word=f"w{number}"))
journal.flush()
journal.write(Status(client="c1", word="never flushed"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_sigkill_every_flushed_record_is_readable(tmp_path):
    path = tmp_path / "h"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    history = read_history(path)
    assert [record.word for record in history.records] == [f"w{number}" for number in range(1000)]
    assert history.truncated
    assert history.end is None


@pytest.mark.parametrize("cut", [1, 9, 20, 40])
def test_a_history_cut_anywhere_gives_the_whole_lines_before_the_cut(tmp_path, cut):
    path = written(tmp_path, a_run(), *[Status(client="c1", word=f"w{number}") for number in range(50)])
    path.write_bytes(path.read_bytes()[:-cut])
    history = read_history(path)
    assert history.truncated
    assert [record.seq for record in history.records] == list(range(1, len(history.records) + 1))


def test_an_empty_file_is_an_empty_truncated_history(tmp_path):
    path = tmp_path / "h"
    path.write_bytes(b"")
    history = read_history(path)
    assert (history.records, history.truncated, history.run, history.end, history.zero_ns) == ([], True, None, None, 0)


def test_what_is_no_history_is_refused_in_words(tmp_path):
    path = tmp_path / "h"
    path.write_bytes(b"GIF89a" * 10)
    with pytest.raises(BadRecords, match="is not a history"):
        read_history(path)


def test_a_line_that_is_no_record_is_refused_with_its_number(tmp_path):
    path = tmp_path / "h"
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
    line = b'{"kind":"status","client":"c1","word":"x","seq":1,"t_ns":1}\n'
    path.write_bytes(squeeze.compress(line + b'{"kind":"nonsense"}\n') + squeeze.flush())
    with pytest.raises(BadRecords, match="record 2"):
        read_history(path)


def test_a_history_of_a_newer_schema_is_refused_by_number(tmp_path):
    with pytest.raises(BadRecords, match=r"newer harness \(schema 999"):
        read_history(written(tmp_path, a_run(schema_version=999)))


def test_a_missing_file_is_refused_in_words(tmp_path):
    with pytest.raises(BadRecords, match="No such file"):
        read_history(tmp_path / "nowhere")


def test_a_folder_that_cannot_be_written_is_a_fault_of_the_environment(tmp_path):
    with pytest.raises(EnvironmentFault, match="cannot write the history"):
        Journal(tmp_path / "missing" / "h", lambda: 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_a_full_disk_is_a_fault_of_the_environment(tmp_path):
    path = tmp_path / "h"
    path.symlink_to("/dev/full")
    journal = Journal(path, lambda: 1)
    journal.write(a_run())
    with pytest.raises(EnvironmentFault, match="No space left"):
        journal.flush()
    with pytest.raises(EnvironmentFault, match="No space left"):
        journal.close()
    journal.close()


def test_the_digest_tells_type_from_data():
    assert digest("a", "b") != digest("ab", "")
    assert digest("a", "b") == digest("a", "b")
    assert len(digest("", "")) == 16


def test_records_are_found_by_type_and_in_order():
    one, two = Status(client="c1", word="connecting"), Status(client="c1", word="connected")
    history = History([one, a_run(), two])
    assert history.all(Status) == [one, two]
    assert history.all(App) == []
    assert history.seconds(2_000_001_000) == 2.0
