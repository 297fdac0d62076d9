"""The execution of a plan: timeline, canary, health, runner."""
