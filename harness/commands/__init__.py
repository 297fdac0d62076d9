"""The commands, by subject. A module is imported when one of its commands is called (``harness.cli.COMMANDS``).

A command returns the exit code of what it found (``harness.exits``). It raises what it cannot do; ``harness.cli`` says
it, and chooses the exit code.
"""
