"""harness: does a Server-Sent Events client survive the walk out of the door?

Packages in the order of a run; imports point up this list, never down (``tests/test_imports.py`` says so):

errors, exits, units, chance, vocabulary, seams · sse · device, toxics · history · scenario · judge · network,
toxiproxy, middle · jobserver, clients · world · run · report · campaign · cli.
"""

__version__ = "0.1.0"
