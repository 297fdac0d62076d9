"""The digest of a history: two runs in virtual time are one and the same where theirs are equal."""

import hashlib
import itertools
from collections.abc import Iterable

import msgspec

from harness.history.records import Record, Run

BATCH = 1_000
"""Records hashed at once."""


def history_digest(records: Iterable[Record]) -> str:
    """Return the digest of ordered records (BLAKE2b-48, 12 hex digits).

    All that was recorded counts, stamps included, but the facts of the machine and its libraries.
    """
    encode = msgspec.json.Encoder().encode
    digest = hashlib.blake2b(digest_size=6)
    left = map(without_facts, records)
    while batch := list(itertools.islice(left, BATCH)):
        digest.update(b"".join(map(encode, batch)))
    return digest.hexdigest()


def without_facts(record: Record) -> Record:
    """Return the record without what two machines may differ in."""
    return msgspec.structs.replace(record, facts={}) if isinstance(record, Run) else record
