"""What a run amounts to in figures: outages and steady windows, staleness and latency, counts, and every metric."""
