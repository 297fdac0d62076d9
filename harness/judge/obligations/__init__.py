"""What a client owes next, from facts and declarations alone.

``facts`` puts the client's dials and stream attempts together from what the phone, the gate and its HTTP stage
recorded; ``rows`` says when the next dial is due, row by row; ``walk`` follows the client along these rows. Nothing
that a client says of itself is read.
"""
