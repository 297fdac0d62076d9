"""The digest of a history: two runs in virtual time are one and the same where theirs are equal."""

import hashlib
from collections.abc import Iterable

import msgspec

from harness.history.records import Record, Run


def history_digest(records: Iterable[Record]) -> str:
    """Return the digest of ordered records (BLAKE2b-48, 12 hex digits).

    All that was recorded counts, stamps included, but the facts of the machine and its libraries.
    """
    encoder = msgspec.json.Encoder()
    digest = hashlib.blake2b(digest_size=6)
    for record in records:
        digest.update(encoder.encode(without_facts(record)))
    return digest.hexdigest()


def without_facts(record: Record) -> Record:
    """Return the record without what two machines may differ in."""
    return msgspec.structs.replace(record, facts={}) if isinstance(record, Run) else record
