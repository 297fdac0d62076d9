"""The figures of a run: outages and steady windows, staleness and latency, counts, and every metric."""
