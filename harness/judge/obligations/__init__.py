"""The obligations of a client: what it owes next, from facts and declarations alone.

``rows`` says when the next dial is due, row by row; ``walk`` follows the client's dials along these rows; ``closings``,
``questions``, ``polls`` and ``fetches`` say what else is due; ``bound`` puts R together. Nothing that a client says of
itself is read.
"""
