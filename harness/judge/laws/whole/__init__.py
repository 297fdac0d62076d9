"""A history is whole: what the records of each writer say of one another, and of the other writers' (H1)."""
