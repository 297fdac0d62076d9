"""Reading what the kernel says of itself."""

import sys

import pytest
import trio
import trio.testing

from harness.network import RealNetwork, kernel
from harness.seams import Door

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0200007F:C001 0100007F:1F90 02 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0100007F:C000 0100007F:1F90 02 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 0100007F:C002 0100007F:1F91 02 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "tcp"
    path.write_text(TABLE)
    return path


@pytest.mark.skipif(sys.byteorder != "little", reason="the table above was written by a little-endian kernel")
def test_table_rows_are_addresses_and_states(table):
    listening, hanging = kernel.tcp_rows(table)[:2]
    assert listening == kernel.TcpRow(("127.0.0.1", 8080), ("0.0.0.0", 0), kernel.LISTEN)
    assert hanging == kernel.TcpRow(("127.0.0.2", 0xC001), ("127.0.0.1", 8080), kernel.SYN_SENT)


def test_hung_dials_are_found_by_their_destination(table):
    assert kernel.syn_sent(8080, table) == (0xC000, 0xC001)
    assert kernel.syn_sent(8082, table) == ()


def test_no_table_means_no_rows(tmp_path):
    assert kernel.tcp_rows(tmp_path / "absent") == []


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
        assert [kernel.syn_sent(listener.address[1])] == [tuple(ports)]
        nursery.cancel_scope.cancel()
    assert len(ports) == 1
    await listener.aclose()
