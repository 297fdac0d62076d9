"""The reference client: starts a job, follows it to its end, and is what the harness measures others against.

``client`` is what an app uses. ``follower`` carries out what the reconnection table decides, with one ``attempt`` at
the stream at a time, guarded by its ``deadlines``. What is pure is asked of ``decisions``. Its ``feed`` joins
the stream with a ``poller`` for snapshots: what either brings goes through ``intake``, which knows by its ``cursor``
what is news, to the ``dispatcher``, which calls the app. ``requests`` makes every request, with its ``token``, on the
``transport`` of a phone; every answer is read through a ``body``. An ``observer`` sees it all; ``journaling`` has the
one that writes a run's history.

``mutants`` are clients that are wrong on purpose: each overrides one of the decisions.
"""

from harness.clients.callbacks import Callbacks, JobEvent, JobOutcome, JobResults
from harness.clients.client import SSEClient
from harness.clients.observer import AttemptReport, Observer
from harness.clients.requests import Endpoints

__all__ = [
    "AttemptReport",
    "Callbacks",
    "Endpoints",
    "JobEvent",
    "JobOutcome",
    "JobResults",
    "Observer",
    "SSEClient",
]
