"""Clients that resume after the wrong id, show again what a replay brings, or mix up the numbers of two epochs."""

from harness.clients.cursor import Cursor, IdStanding, position
from harness.clients.decisions import Decisions
from harness.clients.observer import AttemptReport
from harness.sse.events import Event, Wire
from harness.sse.parser import Parser
from harness.sse.session import Session


class ForgetsLastId(Decisions):
    """Never sends ``Last-Event-ID``."""

    def resume_id(self, session: Session, last: AttemptReport) -> str:
        """Resume after nothing."""
        del session, last
        return ""


class ReplaysHistory(ForgetsLastId):
    """Never sends ``Last-Event-ID``, and shows whatever the replay of everything brings."""

    def cursor(self) -> Cursor:
        """Return a cursor that remembers nothing."""
        return BlankCursor()


class BlankCursor(Cursor):
    """Takes every event for news."""

    def standing(self, event_id: str) -> IdStanding:
        """Say that it is."""
        del event_id
        return IdStanding.FRESH


class DedupesByLastId(Decisions):
    """Drops as shown what an app was shown the last event ID of, though an event without an id has that of another."""

    def cursor(self) -> Cursor:
        """Return a cursor that takes each id for the event's own."""
        return LastIdCursor()


class LastIdCursor(Cursor):
    """Compares the last event ID of each event with those shown."""

    def standing_of(self, event: Event) -> IdStanding:
        """Say what showing this event would mean, by that id alone."""
        return self.standing(event.id)


class FreezesFirstId(Decisions):
    """Resumes for ever after the id that its first reconnection sent."""

    _first = ""

    def resume_id(self, session: Session, last: AttemptReport) -> str:
        """Resume after that one."""
        self._first = self._first or super().resume_id(session, last)
        return self._first


class ForgetsIdAfterEmpty(Decisions):
    """Keeps the id in a variable of the connection: a connection that brought no event leaves none to the next."""

    def resume_id(self, session: Session, last: AttemptReport) -> str:
        """Resume after what the last connection brought."""
        if last.opened and not last.events:
            session.last_event_id = ""
        return session.last_event_id


class CommitsIdEarly(Decisions):
    """Takes an id for seen as soon as its line has come, though the event's blank line never does."""

    _parser: "EarlyParser | None" = None

    def parser(self, session: Session) -> Parser:
        """Return a parser that keeps the id of the block that has not ended."""
        self._parser = EarlyParser(last_event_id=session.last_event_id, max_event=self.policies.max_event)
        return self._parser

    def resume_id(self, session: Session, last: AttemptReport) -> str:
        """Resume after the event that was cut, as if it had come whole."""
        del last
        if self._parser is not None and self._parser.early_id:
            session.last_event_id = self._parser.early_id
            self._parser = None
        return session.last_event_id


class EarlyParser(Parser):
    """A parser that also knows the id of the block that has not ended; empty where there is none."""

    early_id = ""

    def feed(self, data: bytes) -> list[Wire]:
        """Take the next bytes, and look at what they leave pending."""
        found = super().feed(data)
        *lines, _unended = bytes(self._held).split(b"\n")
        ids = [line[3:].lstrip(b" ") for line in lines if line.startswith(b"id:")]
        self.early_id = ids[-1].decode("utf-8", "replace") if ids else ""
        return found


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
