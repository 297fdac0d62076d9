"""The scenarios that seeds invent, made once for all tests that look at many of them."""

from functools import lru_cache

from harness.fuzz.generate import invent
from harness.fuzz.genotype import Genotype
from harness.scenario.model import Plan

MANY = 3_000


@lru_cache(maxsize=MANY)
def genotype_of(seed: int) -> Genotype:
    """Return what this seed invents."""
    return invent(seed)


@lru_cache(maxsize=MANY)
def plan_of(seed: int) -> Plan:
    """Return the plan of what this seed invents."""
    return genotype_of(seed).plan()
