"""Reach on real sockets: streams, listeners with doors, and the gate that the device model drives."""
