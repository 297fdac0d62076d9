"""The scenario language: model, loader, profiles, the plan that a file becomes, and what explains it."""

from harness.scenario.compiling import DEFAULT_SEED, plans, warned
from harness.scenario.document import Scenario
from harness.scenario.explain import explain
from harness.scenario.loading import bundled, find, load
from harness.scenario.model import Plan
from harness.scenario.project import Project, find_project
from harness.scenario.schema import schema
from harness.scenario.template import template

__all__ = [
    "DEFAULT_SEED",
    "Plan",
    "Project",
    "Scenario",
    "bundled",
    "explain",
    "find",
    "find_project",
    "load",
    "plans",
    "schema",
    "template",
    "warned",
]
