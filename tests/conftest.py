"""Fixtures and settings of all tests."""

from hypothesis import HealthCheck, settings

# Examples are not timed: how long one takes says how busy the machine is. What may not grow is measured by its growth.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
