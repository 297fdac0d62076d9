"""The event stream protocol of WHATWG HTML section 9.2, without I/O: parser, encoder, reconnection, policies."""

from harness.sse.backoff import Backoff
from harness.sse.encoder import LineEnds, encode, encode_comment, encode_retry
from harness.sse.events import Event, IdChange, Retry, Wire
from harness.sse.fallback import Fallback
from harness.sse.parser import EventTooBig, Parser
from harness.sse.policy import AS_SHIPPED, PRESETS, REFERENCE, FedBy, Ids, Jitter, Policies, ResetsOn
from harness.sse.reconnection import (
    Connect,
    Input,
    KeepReading,
    NoTransition,
    Output,
    Poll,
    ReadyState,
    Reconnection,
    Stop,
    Wait,
)
from harness.sse.response import Meaning, ResponseVerdict, judge_response, parse_retry_after, read_retry_after
from harness.sse.session import Session, cursor_header

__all__ = [
    "AS_SHIPPED",
    "PRESETS",
    "REFERENCE",
    "Backoff",
    "Connect",
    "Event",
    "EventTooBig",
    "Fallback",
    "FedBy",
    "IdChange",
    "Ids",
    "Input",
    "Jitter",
    "KeepReading",
    "LineEnds",
    "Meaning",
    "NoTransition",
    "Output",
    "Parser",
    "Policies",
    "Poll",
    "ReadyState",
    "Reconnection",
    "ResetsOn",
    "ResponseVerdict",
    "Retry",
    "Session",
    "Stop",
    "Wait",
    "Wire",
    "cursor_header",
    "encode",
    "encode_comment",
    "encode_retry",
    "judge_response",
    "parse_retry_after",
    "read_retry_after",
]
