"""The facts of a run, computed from the records of gate, stage, server, phone and the app's wrapper alone.

No module here reads what a client says of itself (``Attempt``, ``AttemptEnd``, ``Block``, ``Absorbed``, ``Adopted``,
``Gap``, ``Results``): laws are judged by facts, and a claim may only explain a failure.
"""
