"""The entry point: what happens before there is anything to interrupt."""

import signal
import sys

import pytest

from harness.__main__ import main


class Watcher:
    """Notes who hears Ctrl-C when the command line is loaded."""

    def __init__(self):
        self.heard_by = []

    def find_spec(self, name, path=None, target=None):
        if name == "harness.cli":
            self.heard_by.append(signal.getsignal(signal.SIGINT))


@pytest.mark.parametrize(
    ("before", "meanwhile"),
    [(signal.default_int_handler, signal.SIG_DFL), (signal.SIG_IGN, signal.SIG_IGN)],
    ids=["heard", "ignored"],
)
def test_nobody_is_told_of_an_interrupted_import(monkeypatch, before, meanwhile):
    watcher = Watcher()
    monkeypatch.setattr(sys, "meta_path", [watcher, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "harness.cli", raising=False)
    monkeypatch.setattr(sys, "argv", ["harness", "--version"])
    kept = signal.signal(signal.SIGINT, before)
    try:
        with pytest.raises(SystemExit):
            main()
        assert watcher.heard_by == [meanwhile]
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        signal.signal(signal.SIGINT, kept)
