"""Reach on real sockets: streams, listeners with doors, and the gate that the device model drives."""

from harness.network.gate import Gate as Gate
from harness.network.phone import GatePhone as GatePhone
from harness.network.real import RealNetwork as RealNetwork
from harness.network.simulated import SimNetwork as SimNetwork
from harness.network.stage import Stage as Stage
from harness.network.stage import StageMaker as StageMaker
from harness.network.streams import RealStream as RealStream
from harness.vocabulary import CANARY as CANARY
