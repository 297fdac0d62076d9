"""What ``harness help virtual`` says: what virtual time is good for, and what its network leaves out."""

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
