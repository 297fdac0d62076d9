"""The pure model of a phone and its paths: no clock, no dice, no I/O."""
