"""The first scenario of a team, commented: what ``harness init`` writes."""

_TEXT = """\
# A scenario is a document that runs: harness run FILE
# Check it with `harness check FILE`; see what it becomes with `harness explain FILE`.
scenario: the lift
about: >
  The story in words: a person with the app steps into a lift. The phone keeps its cell and its address, but nothing
  passes for a while. And the question: does a short ride cost a reconnection, and does a long one cost an update?

# What the server does: a job that lasts a minute and tells its progress ten times a second.
job: {lasts: 60s, updates: every 100ms}

# The ways to the server, and how each behaves. The profiles: loopback wifi wifi-cafe wifi-edge lte 4g-slow 4g-drive
# 5g-drive 3g 3g-lossy edge very-bad satellite offline dns-slow. One may be adjusted: {profile: lte, latency: 80ms}
paths: {cellular: lte}

# What your client promises. Leave it out for the reference client; `like: as-shipped` is one without any deadline.
client: {watchdog: 20s, backoff: 1s to 30s}

# One run for each row. $stall and $dials stand below for their values; numbers that belong together share a row.
sweep:
  - {stall: 5s,  dials: 0}              # shorter than the watchdog: the stream must be left alone
  - {stall: 34s, dials: at most 4}      # the longest stall of 30 hours of 4G driving (Lumos5G)

# A score: when, who, what. A path is up, stalled, silent, closed, reset, refused or unreachable, or takes another
# profile; the device joins, prefers and loses paths, goes offline and suspends; the middle, the server and the job have
# their own deeds. What the network does and what the phone is told are separate: the bugs live between them.
timeline:
  10s: {cellular: stalled for $stall}

# The laws hold without being named: nothing lost, repeated or out of order, an honest status, a clean exit …
# Here is what this story demands besides.
expect:
  attempts: $dials
  lost: 0
  terminal: within 2s of the end

# Clients with a planted bug that this scenario must catch.
mutants: [short-watchdog]
"""


def template() -> str:
    """Return the text of a scenario file that loads, runs, and says what each of its parts is for."""
    return _TEXT
