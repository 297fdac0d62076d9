"""Toxiproxy: its API from a run's side, the embedded server, and the launch of a real one."""

from harness.toxiproxy.control import Toxiproxy
from harness.toxiproxy.direct import simulated_toxiproxy
from harness.toxiproxy.embedded import DEFAULT_ADDRESS, serve_embedded
from harness.toxiproxy.launch import open_toxiproxy

__all__ = ["DEFAULT_ADDRESS", "Toxiproxy", "open_toxiproxy", "serve_embedded", "simulated_toxiproxy"]
