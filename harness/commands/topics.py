"""``harness help``: a law, a part of the language, the mutants, or virtual time."""

import click

from harness.clients.mutants import MUTANTS
from harness.commands import reference
from harness.commands.options import Command
from harness.commands.reference import TOPICS
from harness.console import say
from harness.exits import PASS
from harness.judge.laws import LAWS, law_named

VIRTUAL = """\
A scenario's plan needs no waiting: `--world virtual` runs it in one process on a simulated
network, where the clock jumps to the next thing that happens. The gate, the boxes, the toxics, the
client and the server are the same code as on real sockets; only the kernel's part is another."""

LEAVES_OUT = (
    "Bytes, FIN and RST take no time of their own: latency and rates are the toxics', stalls the gate's.",
    "A direction of a connection holds 4.18 MB, in one place instead of two kernels' buffers.",
    "A dial whose SYN is dropped knocks again when this host's kernel would, to the second.",
    "A listener's queue holds 128 connections; a full one drops SYNs, as Linux does.",
    "Names are not resolved; ports of dials are handed out in order.",
    "No packets: loss is a stall of one retransmission timeout in either world.",
    "Memory, CPU and scheduler lag are not measured: a limit on them is judged on real sockets.",
)

TRUST = """\
One seed is one history, on this machine and these versions of Python and of the libraries: its
digest is in the report, and `--twice` tries it, in two processes with different hash seeds. What
virtual time says of the network is tried by `--world both`: the same plan in either world, the
app's sequence, law states, anomalies, gaps, results and attempts equal, and times within 50 ms (or
three times the scheduler's lag). Where they differ, up to four more real runs are made; a virtual
run outside what all five span means that one model is wrong, and the exit code is 3 - or, where
this host's own lag explains the difference in each of them, that nobody can say, and it is 4.
Neither a thread, another process nor a kernel's socket may be part of it, or virtual time flies
past them: a Toxiproxy of your own is used on real sockets only."""


@click.command("help", cls=Command)
@click.argument("name", required=False, metavar="[LAW·TOPIC]")
def help_topic(name: str | None) -> int:
    """Explain a law, and how clients break it; or deeds, settings, metrics, profiles, mutants, virtual time."""
    if name is None:
        for each in LAWS:
            say(f"{each.code:<5}{each.word:<19}{each.title}")
        for topic, title in TITLES.items():
            say(f"{'':<5}{topic:<19}{title}")
        return PASS
    word = name.strip().lower()
    if word in TOPICS:
        say(reference.topic(word))
        return PASS
    if word in _OWN:
        return _OWN[word]()
    found = law_named(word, TITLES)
    say(f"{found.code} {found.word}: {found.title}\n")
    say(click.wrap_text(found.says, 100) + "\n\nHow clients break it:")
    for way in found.breaks:
        say(click.wrap_text(way, 100, "  - ", "    "))
    return PASS


def help_mutants() -> int:
    """Print each mutant with the bug that it stands for."""
    say("Each is the reference client with one public bug planted. `harness run SCENARIO --client MUTANT`")
    say("tries one, `harness mutants` all of them.\n")
    for one in MUTANTS.values():
        say(click.wrap_text(f"{one.name}: {one.stands_for}", 100, "", "    "))
    return PASS


def help_virtual() -> int:
    """Print what virtual time is, what its network leaves out, and what makes it worth trusting."""
    say(f"{VIRTUAL}\n\nWhat its network leaves out:")
    for left_out in LEAVES_OUT:
        say(click.wrap_text(left_out, 100, "  - ", "    "))
    say(f"\n{TRUST}")
    return PASS


_OWN = {"mutants": help_mutants, "virtual": help_virtual}
TITLES = {
    **TOPICS,
    "mutants": "The clients that are wrong on purpose, and what each stands for",
    "virtual": "Virtual time, and what its network leaves out",
}
