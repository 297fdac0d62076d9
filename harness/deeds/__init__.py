"""Deeds: what a timeline does to a network, its server and its job, defined once."""
