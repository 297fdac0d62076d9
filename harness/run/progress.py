"""The progress of a run: small lines of JSON from the child process to the process that shows them."""

import msgspec

TELL_EVERY = 0.25


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The progress of a run. ``at`` and ``total`` are scenario seconds; ``deed`` is the last one done, as written.

    The last line may carry ``fault``: words for an environment fault that ended the run.
    """

    at: float = 0.0
    total: float = 0.0
    deed: str = ""
    status: str = ""
    events: int = 0
    toxiproxy: str = ""
    fault: str = ""
