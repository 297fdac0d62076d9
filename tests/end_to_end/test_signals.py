"""Signals that come at once, on real sockets: each counts when the client hears it, be the host as busy as it may."""

import pytest

from .command import harness, verdicts

# The phone is told two things in one instant, of which the second is heard when the first has led to a dial.
AT_ONCE = """\
scenario: two words at once
job: {lasts: 6s, updates: every 500ms}
paths: {wifi: wifi, cellular: wifi}
limit: 8s
timeline:
  500ms:  {device: loses wifi}
  700ms:  {cellular: refused}
  900ms:  {device: joins cellular}
  3s:     {device: [joins wifi, prefers wifi]}
  3500ms: {device: loses wifi}
  4s:     {device: [joins wifi, prefers wifi]}
  4500ms: {device: loses wifi}
  5s:     {device: [joins wifi, prefers wifi]}
"""


@pytest.mark.parametrize(("client", "state"), [("reference", "held"), ("never-backs-off", "failed")])
def test_two_signals_at_once_end_a_wait_and_a_dial_and_excuse_no_other(tmp_path, client, state):
    (tmp_path / "at-once.yaml").write_text(AT_ONCE)
    done = harness("run", "at-once.yaml", "--client", client, "--out", "results", cwd=tmp_path)
    ((_, laws),) = verdicts(tmp_path).values()
    assert laws["backoff"] == state, done.stdout
