"""The pure model of a phone and its paths: no clock, no dice, no I/O."""

from harness.device.model import Act as Act
from harness.device.model import Device as Device
from harness.device.model import Do as Do
from harness.device.model import Fate as Fate
from harness.device.model import Linger as Linger
from harness.device.model import Outcome as Outcome
from harness.device.radio import Antenna as Antenna
from harness.device.words import Radio as Radio
from harness.device.words import Reach as Reach
