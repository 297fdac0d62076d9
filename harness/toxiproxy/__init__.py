"""Toxiproxy: its API from a run's side, the embedded server, and the launch of a real one."""

from harness.toxiproxy.control import Proxies, Toxiproxy
from harness.toxiproxy.embedded import DEFAULT_ADDRESS, serve_embedded
from harness.toxiproxy.launch import open_toxiproxy
from harness.toxiproxy.simulated import SimulatedToxiproxy

__all__ = ["DEFAULT_ADDRESS", "Proxies", "SimulatedToxiproxy", "Toxiproxy", "open_toxiproxy", "serve_embedded"]
