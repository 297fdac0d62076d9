"""The two ends of a flow, and how one of them leaves."""

import enum


class Side(enum.StrEnum):
    """An end of a flow."""

    CLIENT = "client"
    SERVER = "server"


class How(enum.StrEnum):
    """The way an end left its connection. ``closed``: the gate closed it."""

    FIN = "fin"
    RST = "rst"
    CLOSED = "closed"
