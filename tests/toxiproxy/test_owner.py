import os
import signal
import subprocess
import sys

import pytest

from harness.toxiproxy.calls import check_name
from harness.toxiproxy.owner import orphaned, own_prefix, place

TELL = "import sys; from harness.toxiproxy.owner import own_prefix; print(own_prefix(), flush=True); sys.stdin.read()"


@pytest.fixture
def other():
    """Another process, and the prefix of its proxies."""
    command = [sys.executable, "-c", TELL]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def made(*, where=None, pid=None, start=None):
    """A name like one of this process's, but for what is said."""
    _, our_place, our_pid, our_start, _ = own_prefix().split("-")
    return f"harness-{where or our_place}-{pid or our_pid}-{start or our_start}-wifi"


def proc(folder, *, boot="b", pid=None, state="S"):
    """A ``/proc`` of our own making, in which only this process lives."""
    pid = os.getpid() if pid is None else pid
    (folder / "sys/kernel/random").mkdir(parents=True)
    (folder / "sys/kernel/random/boot_id").write_text(f"{boot}\n")
    (folder / str(pid) / "ns").mkdir(parents=True)
    (folder / str(pid) / "ns/pid").symlink_to("pid:[7]")
    (folder / "self").symlink_to(str(pid))
    (folder / str(pid) / "stat").write_text(f"{pid} (a) b) {state} " + " ".join(str(n) for n in range(4, 53)))
    return folder


def test_a_prefix_is_fit_for_a_name_and_stays_the_same():
    assert check_name(own_prefix()) == own_prefix() == own_prefix()


def test_a_living_run_keeps_its_proxies(other):
    _, prefix = other
    assert not orphaned(f"{own_prefix()}wifi")
    assert not orphaned(f"{prefix}wifi")


@pytest.mark.parametrize("reaped", [True, False])
def test_a_killed_run_leaves_orphans_also_while_it_is_a_zombie(other, reaped):
    process, prefix = other
    process.send_signal(signal.SIGKILL)
    if reaped:
        process.wait()
    else:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert orphaned(f"{prefix}wifi")


def test_a_process_id_in_use_again_is_another_process():
    assert orphaned(made(start="1"))


@pytest.mark.parametrize(
    "name",
    [
        made(where="0123456789ab", start="1"),
        "foreign",
        "harness-1-wifi",
        "my-" + made(start="1"),
        made(start="1").removesuffix("-wifi"),
        made(start="x"),
    ],
)
def test_another_place_and_another_kind_of_name_are_left_alone(name):
    assert not orphaned(name)


def test_start_is_the_twenty_second_field_whatever_the_name_of_the_process(tmp_path):
    assert own_prefix(proc(tmp_path)).split("-")[2:4] == [str(os.getpid()), "22"]


def test_another_boot_is_another_place(tmp_path):
    assert len({place(proc(tmp_path / "1", boot="1")), place(proc(tmp_path / "2", boot="2")), place()}) == 3


@pytest.mark.parametrize("kind", ["none", "of another namespace"])
def test_without_a_proc_of_ours_nothing_is_orphaned(tmp_path, kind):
    there = proc(tmp_path, pid=1) if kind != "none" else tmp_path / "nowhere"
    assert own_prefix(there) == f"harness-{os.getpid()}-"
    assert not orphaned(made(start="1"), there)


def test_a_process_that_cannot_be_looked_at_is_not_dead(tmp_path):
    there = proc(tmp_path)
    dead = own_prefix(there).replace("-22-", "-21-") + "wifi"
    assert orphaned(dead, there)
    (there / str(os.getpid()) / "stat").write_text("no such thing")
    assert not orphaned(dead, there)
