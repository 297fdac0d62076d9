"""The scenario language: model, loader, profiles, and the plan that a file becomes."""

from harness.scenario.compiling import DEFAULT_SEED, plans
from harness.scenario.document import Scenario
from harness.scenario.loading import bundled, find, load
from harness.scenario.model import Plan
from harness.scenario.project import Project, find_project

__all__ = ["DEFAULT_SEED", "Plan", "Project", "Scenario", "bundled", "find", "find_project", "load", "plans"]
