"""The reference client and those it is measured against."""

from harness.clients.callbacks import Callbacks, JobEvent, Outcome, Results
from harness.clients.client import SSEClient
from harness.clients.courier import Endpoints
from harness.clients.observer import AttemptReport, Observer
from harness.clients.run import run_reference

__all__ = [
    "AttemptReport",
    "Callbacks",
    "Endpoints",
    "JobEvent",
    "Observer",
    "Outcome",
    "Results",
    "SSEClient",
    "run_reference",
]
