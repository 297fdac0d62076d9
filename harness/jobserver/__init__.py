"""The reference job server: imports that report their progress over an event stream, and the ground truth."""
