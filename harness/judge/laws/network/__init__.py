"""The network that a client was to have, held against the records of its gate and its phone: the parts of law H3."""
