"""A client that takes the numbers of two epochs for one numbering."""

from harness.clients.cursor import Cursor, IdStanding, position
from harness.clients.decisions import Decisions


class DedupesAcrossEpochs(Decisions):
    """Drops whatever has a number no higher than the last one, in whichever epoch."""

    def cursor(self) -> Cursor:
        """Return a cursor that is blind to epochs."""
        return EpochBlindCursor()


class EpochBlindCursor(Cursor):
    """Compares the ordinals alone: after a restart without memory the server's first events are "old"."""

    def standing(self, event_id: str) -> IdStanding:
        """Say what showing this id would mean, by its number."""
        at, shown = position(event_id), position(self.id)
        if at is not None and shown is not None and at.epoch != shown.epoch:
            return IdStanding.REPEAT if at.ordinal <= shown.ordinal else IdStanding.FRESH
        return super().standing(event_id)
