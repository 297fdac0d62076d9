"""Laws and measures: pure functions of (plan, history)."""
