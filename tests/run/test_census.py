import socket
import subprocess
import sys
import threading
from pathlib import Path

import trio

from harness.run import census


def test_a_socket_left_open_is_counted_and_a_closed_one_is_not():
    before = census.sockets()
    with socket.socket():
        assert len(census.sockets()) == len(before) + 1
    assert census.sockets() == before


def test_descriptors_are_counted_where_other_systems_list_them(monkeypatch):
    monkeypatch.setattr(census, "_OPEN", (Path("/nowhere"), *census._OPEN[1:]))
    before, count = census.sockets(), census.descriptors()
    with socket.socket():
        assert len(census.sockets()) == len(before) + 1
        assert census.descriptors() == count + 1
    monkeypatch.setattr(census, "_OPEN", (Path("/nowhere"),))
    assert (census.sockets(), census.descriptors()) == ([], 0)


def test_a_task_left_running_is_named():
    async def lingerer():
        await trio.sleep_forever()

    async def main():
        before = census.tasks()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lingerer)
            during = census.tasks()
            nursery.cancel_scope.cancel()
        return before, during, census.tasks()

    before, during, after = trio.run(main)
    assert [name.rpartition(".")[2] for name in during if name not in before] == ["lingerer"]
    assert after == before


def test_tasks_are_told_in_the_order_of_their_names_and_parents_first():
    async def main():
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(trio.sleep_forever, name=f"{number:02}")
            found = census.tasks()
            nursery.cancel_scope.cancel()
        return found

    found = trio.run(main)
    assert [name for name in found if name.isdigit()] == [f"{number:02}" for number in range(50)]
    assert found.index("00") > next(place for place, name in enumerate(found) if name.endswith(".main"))


def test_a_thread_left_running_is_named_and_trios_idle_workers_are_not():
    async def main():
        await trio.to_thread.run_sync(lambda: None)
        return census.threads()

    before = trio.run(main)
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="left behind")
    thread.start()
    during = census.threads()
    release.set()
    thread.join()
    assert not [name for name in before if name.startswith("Trio")]
    assert during == [*before, "left behind"]


def test_a_child_process_left_running_is_named():
    before = census.processes()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert [name for name in census.processes() if name not in before] != []
    finally:
        child.communicate()
    assert census.processes() == before


def test_a_census_counts_what_it_names():
    async def main():
        return census.take("end", proxies=["wifi"])

    record = trio.run(main)
    assert record.counts == {what: len(names) for what, names in record.names.items()}
    assert (record.when, record.names["proxies"]) == ("end", ["wifi"])
