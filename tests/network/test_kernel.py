"""Reading what the kernel says of itself."""

import sys

import pytest
import trio
import trio.testing

from harness.network import RealNetwork, kernel
from harness.seams import Door
from tests.network.tcp_table import syn_sent


@pytest.mark.parametrize(
    ("retries", "linear", "instants"),
    [(6, 4, (1, 2, 3, 4, 5, 7, 11, 19, 35, 67)), (6, 0, (1, 3, 7, 15, 31, 63)), (0, 0, ())],
)
def test_schedule_of_retries(retries, linear, instants):
    assert instants == kernel.SynSchedule(retries, linear).instants


def test_settings_of_an_old_kernel_have_no_linear_timeouts(tmp_path):
    (tmp_path / "tcp_syn_retries").write_text("6\n")
    assert kernel.syn_schedule(tmp_path) == kernel.SynSchedule(6, 0)


def test_facts_name_the_schedule(tmp_path):
    for name, value in {"tcp_syn_retries": 3, "tcp_syn_linear_timeouts": 1, "tcp_abort_on_overflow": 1}.items():
        (tmp_path / name).write_text(f"{value}\n")
    assert kernel.facts(tmp_path) == {
        "tcp_syn_retries": "3",
        "tcp_syn_linear_timeouts": "1",
        "syn_retries_at": "1s 2s 4s 8s",
        "tcp_abort_on_overflow": "1",
    }
    assert kernel.aborts_on_overflow(tmp_path) is True


def test_no_settings_no_facts(tmp_path):
    assert (kernel.facts(tmp_path), kernel.syn_schedule(tmp_path)) == ({}, None)
    assert kernel.aborts_on_overflow(tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="a hanging door needs Linux")
async def test_real_hung_dial_is_in_the_real_table():
    network = RealNetwork()
    listener = await network.listen()
    await listener.set_door(Door.HANG)
    ports = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: network.connect(listener.address, dialing=lambda local: ports.append(local[1])))
        await trio.testing.wait_all_tasks_blocked()
        assert [syn_sent(listener.address[1])] == [tuple(ports)]
        nursery.cancel_scope.cancel()
    assert len(ports) == 1
    await listener.aclose()
