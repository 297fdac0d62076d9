"""The house profiles: a few network situations, each number with its source.

Sources: NLC is Apple's Network Link Conditioner (and Facebook's augmented-traffic-control, which has the same numbers
for 3G and EDGE) · Chrome is DevTools' throttling, "Slow 4G", which is Lighthouse's default too · WPT is WebPageTest ·
comcast is tylertreat/comcast's README · loadero is wiki.loadero.com, the only published set with jitter and loss ·
Firefox is its network monitor's throttling · Lumos5G and RRC are the driving traces and the radio probes in
SIGCOMM21-5G/artifact.

Every preset published is stationary; the traces show that what breaks a stream is the *stall*, which none of them has.
"""

import math

import msgspec

from harness.deeds.acts import Frozen
from harness.device.words import Radio, Reach
from harness.toxics.shape import Shape

_HANDSHAKE_TRIPS = 3
"""Round trips before the first byte of an answer: TCP, TLS 1.3, the request."""

_RADIO_SLEEPS_AFTER = 10.0
"""Seconds of quiet after which a cellular radio must be woken: the knee in RRC's round trips."""

_RADIO_WAKES_IN = 0.9
"""Seconds: RRC's median after more than 13 s of quiet, 827 to 1004 ms."""


class Stalls(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """Stalls of no particular event: how often, and how long: log-normal through p50 and p95, cut at ``longest``."""

    per_hour: float
    p50: float
    p95: float
    longest: float


DRIVING_4G = Stalls(per_hour=13, p50=1.0, p95=11.0, longest=34.0)
"""Lumos5G, 4G driving: 30 hours in 175 traces, 12.9 stalls an hour below 0.1 Mbit/s."""

DRIVING_5G = Stalls(per_hour=42, p50=1.0, p95=5.0, longest=40.0)
"""Lumos5G, 5G millimetre wave driving: 20 hours in 121 traces, 41.9 stalls an hour."""


class Rates(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A range in bytes/s; where its ends differ the rate is *stepped*: a new one each second, log-uniform."""

    least: float
    most: float

    @property
    def stepped(self) -> bool:
        """True if the rate changes by itself."""
        return self.least < self.most

    @property
    def middle(self) -> float:
        """The geometric middle, in whole KB/s."""
        return whole_kilobytes(math.sqrt(self.least * self.most))


class Profile(Frozen, frozen=True, kw_only=True, omit_defaults=True):
    """A network situation. ``latency`` is one way; ``jitter`` is ± in each direction; None as a rate is unlimited."""

    name: str
    latency: float = 0.0
    jitter: float = 0.0
    down: Rates | None = None
    up: Rates | None = None
    loss: float = 0.0  # probability per emission of a stall pulse
    stalls: Stalls | None = None
    lookup: float = 0.0  # a name is looked up before each dial
    wake: float = 0.0
    wakes_each_dial: bool = False  # else only a radio that was quiet
    gone_after: float | None = None  # then the path is silent
    start: Reach = Reach.UP

    @property
    def shape(self) -> Shape:
        """The path's effect on bytes. A stepped rate has its middle here, and the weather its steps."""
        return Shape(
            latency=self.latency,
            jitter=self.jitter,
            down=self.down.middle if self.down else None,
            up=self.up.middle if self.up else None,
        )

    @property
    def radio(self) -> Radio:
        """The cost of a connection before its first byte. A lookup precedes the dial, so it is charged with it."""
        handshake = _HANDSHAKE_TRIPS * 2 * self.latency + self.lookup
        quiet = 0.0 if self.wakes_each_dial else _RADIO_SLEEPS_AFTER
        return Radio(handshake=round(handshake, 9), wake=self.wake, wake_after=quiet)


def whole_kilobytes(rate: float) -> float:
    """Return a rate that Toxiproxy can keep: whole KB/s (1000 bytes), at least 1."""
    return max(1, math.floor(rate / 1_000 + 0.5)) * 1_000.0


def fixed(rate: float) -> Rates:
    """Return one rate (bytes/s) as a range, in whole KB/s."""
    return Rates(least=whole_kilobytes(rate), most=whole_kilobytes(rate))


def _bits(least: float, most: float | None = None) -> Rates:
    """Return the range between two rates in kbit/s."""
    return Rates(least=whole_kilobytes(least * 125), most=whole_kilobytes((most or least) * 125))


_ALL = (
    # Nothing in the way: the clean baseline.
    Profile(name="loopback"),
    # NLC Wi-Fi.
    Profile(name="wifi", latency=0.002, jitter=0.001, down=_bits(40_000), up=_bits(33_000)),
    # comcast "WIFI (good)" for delay and loss, Firefox "Wi-Fi" for the rates.
    Profile(name="wifi-cafe", latency=0.020, jitter=0.010, down=_bits(30_000), up=_bits(15_000), loss=0.002),
    # The end of the garden. A 2026 thesis of Virginia Tech sees Wi-Fi degrade "about ten seconds in advance"; the loss
    # is NLC's "Very Bad Network".
    Profile(
        name="wifi-edge",
        latency=0.040,
        jitter=0.040,
        down=_bits(1_000),
        up=_bits(1_000),
        loss=0.10,
        gone_after=10.0,
    ),
    # WPT LTE, loadero's jitter and loss, RRC's waking.
    Profile(
        name="lte",
        latency=0.035,
        jitter=0.015,
        down=_bits(12_000),
        up=_bits(12_000),
        loss=0.002,
        wake=_RADIO_WAKES_IN,
    ),
    # Chrome "Slow 4G".
    Profile(
        name="4g-slow",
        latency=0.075,
        jitter=0.030,
        down=_bits(1_600),
        up=_bits(750),
        loss=0.002,
        wake=_RADIO_WAKES_IN,
        wakes_each_dial=True,
    ),
    # Lumos5G, 4G driving.
    Profile(
        name="4g-drive",
        latency=0.035,
        jitter=0.030,
        down=_bits(3_000, 30_000),
        up=_bits(3_000, 30_000),
        stalls=DRIVING_4G,
        wake=_RADIO_WAKES_IN,
    ),
    # Lumos5G, 5G driving.
    Profile(
        name="5g-drive",
        latency=0.030,
        jitter=0.020,
        down=_bits(8_000, 430_000),
        up=_bits(8_000, 430_000),
        stalls=DRIVING_5G,
        wake=_RADIO_WAKES_IN,
    ),
    # NLC 3G, loadero's jitter and loss.
    Profile(
        name="3g",
        latency=0.100,
        jitter=0.050,
        down=_bits(780),
        up=_bits(330),
        loss=0.005,
        wake=1.5,
        wakes_each_dial=True,
    ),
    # comcast HSDPA, loadero's jitter.
    Profile(
        name="3g-lossy",
        latency=0.125,
        jitter=0.050,
        down=_bits(750),
        up=_bits(330),
        loss=0.015,
        wake=1.5,
        wakes_each_dial=True,
    ),
    # NLC Edge; the loss is augmented-traffic-control's "Edge-Lossy".
    Profile(
        name="edge",
        latency=0.420,
        jitter=0.100,
        down=_bits(240),
        up=_bits(200),
        loss=0.01,
        wake=2.0,
        wakes_each_dial=True,
    ),
    # NLC "Very Bad Network".
    Profile(name="very-bad", latency=0.500, down=_bits(1_000), up=_bits(1_000), loss=0.10),
    # loadero "Satellite phone".
    Profile(name="satellite", latency=0.300, jitter=0.050, down=_bits(1_000), up=_bits(256)),
    # NLC "100% Loss": a SYN is never answered.
    Profile(name="offline", start=Reach.SILENT),
    # NLC "High Latency DNS" on Wi-Fi: 3000 ms for each lookup.
    Profile(
        name="dns-slow",
        latency=0.002,
        jitter=0.001,
        down=_bits(40_000),
        up=_bits(33_000),
        lookup=3.0,
    ),
)

PROFILES = {profile.name: profile for profile in _ALL}
"""By the name a scenario uses."""


def adjusted(
    profile: Profile,
    *,
    latency: float | None = None,
    jitter: float | None = None,
    down: float | None = None,
    up: float | None = None,
    stalls: float | None = None,
    wake: float | None = None,
) -> Profile:
    """Return the profile with some of its numbers replaced (seconds; bytes/s; stalls per second).

    The handshake follows the latency. Stalls keep the lengths of the profile, or are as long as those of 4G driving.
    A ``wake`` takes the place of the profile's own: at each dial where that one is paid at each dial, else after quiet.
    """
    lengths = profile.stalls or DRIVING_4G
    changes = {
        "latency": latency,
        "jitter": jitter,
        "down": None if down is None else fixed(down),
        "up": None if up is None else fixed(up),
        "stalls": None if stalls is None else msgspec.structs.replace(lengths, per_hour=stalls * 3_600),
        "wake": wake,
    }
    return msgspec.structs.replace(profile, **{key: value for key, value in changes.items() if value is not None})
