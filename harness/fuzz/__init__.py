"""The search for timelines that break a client: invented from a seed, run in virtual time, shrunk to a few faults.

The story of a search: a seed becomes a genotype (``generate``), that a scenario and a plan (``genotype``), that a
history and a verdict (``trial``). What failed is grouped by law and cause (``findings``), one example of each group is
made small (``shrink``), written as a file that ``harness run`` takes (``saving``), and run once on real sockets
(``confirm``).
"""
