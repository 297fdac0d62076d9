"""The worlds: the only place that chooses a clock, and that touches trio's scheduler."""

from harness.world.world import World

__all__ = ["World"]
