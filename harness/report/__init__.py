"""Plots, the page, Markdown, JUnit and the terminal's text: everything drawn from what a run left on disk.

``folder`` reads and writes results, ``compose.write_report`` draws everything, ``formats.render`` prints,
``progress.LiveView`` is the live view. Nothing is imported here: matplotlib takes most of a second, and only drawing
needs it.
"""
