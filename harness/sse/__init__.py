"""The event stream protocol of WHATWG HTML section 9.2, without I/O: parser, encoder, reconnection, policies."""

from harness.sse.encoder import LineEnds, encode, encode_comment, encode_retry
from harness.sse.events import Event, IdChange, Retry, Wire
from harness.sse.parser import EventTooBig, Parser
from harness.sse.session import Session

__all__ = [
    "Event",
    "EventTooBig",
    "IdChange",
    "LineEnds",
    "Parser",
    "Retry",
    "Session",
    "Wire",
    "encode",
    "encode_comment",
    "encode_retry",
]
