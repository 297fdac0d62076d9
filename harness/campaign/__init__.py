"""Many runs at once: a results folder, a child process per run, workers that judge and draw, one report."""
