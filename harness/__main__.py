"""``python -m harness``, and what the command ``harness`` starts."""

import signal


def main() -> None:
    """Load the command line and hand over. A Ctrl-C meanwhile just ends the process: nothing has begun yet."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from harness.cli import main as command  # noqa: PLC0415 - only once an interrupted import is told to no one

    signal.signal(signal.SIGINT, before)
    command()


if __name__ == "__main__":
    main()
