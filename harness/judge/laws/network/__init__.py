"""What a client's network was to be, held against the records of its gate and its phone: the parts of law H3."""
