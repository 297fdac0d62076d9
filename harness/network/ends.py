"""The two ends of a flow, and how one of them leaves."""

import enum


class Side(enum.StrEnum):
    """An end of a flow."""

    CLIENT = "client"
    SERVER = "server"


class How(enum.StrEnum):
    """How an end left: ``closed`` was done to it by the gate."""

    FIN = "fin"
    RST = "rst"
    CLOSED = "closed"
