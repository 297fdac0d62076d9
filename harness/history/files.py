"""The files that a run leaves in its folder: what was planned, what happened, what its process said."""

PLAN = "plan.json"
HISTORY = "history.jsonl.gz"
LOG = "harness.log"
