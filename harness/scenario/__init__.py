"""The scenario language: model, loader, profiles, and the plan that a file becomes."""

from harness.scenario.compiling import DEFAULT_SEED, plans
from harness.scenario.document import Scenario
from harness.scenario.loading import bundled, find, load
from harness.scenario.model import Plan

__all__ = ["DEFAULT_SEED", "Plan", "Scenario", "bundled", "find", "load", "plans"]
