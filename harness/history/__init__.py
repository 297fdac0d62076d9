"""The history of a run: record types, the one journal writer, the reader."""

from harness.history.fingerprint import history_digest as history_digest
from harness.history.journal import Journal as Journal
from harness.history.reader import History as History
from harness.history.reader import read_history as read_history
from harness.history.records import *  # noqa: F403
