"""The pure model of a phone and its paths: no clock, no dice, no I/O."""

from harness.device.model import Act as Act
from harness.device.model import ChunkFate as ChunkFate
from harness.device.model import Device as Device
from harness.device.model import DeviceChange as DeviceChange
from harness.device.model import Do as Do
from harness.device.model import Linger as Linger
from harness.device.radio import RadioState as RadioState
from harness.device.words import Radio as Radio
from harness.device.words import Reach as Reach
