"""The worlds: the only place that chooses a clock."""
