"""The reference job server: an API that starts jobs, and streams their progress."""

from harness.jobserver.connection import Limits as Limits
from harness.jobserver.emission import Counts as Counts
from harness.jobserver.server import JobServer as JobServer
from harness.jobserver.server import serve as serve
