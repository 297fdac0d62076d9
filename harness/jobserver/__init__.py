"""The reference job server: an API that starts jobs, and streams their progress."""

from harness.jobserver.connection import PeerLimits as PeerLimits
from harness.jobserver.emission import ServerCounts as ServerCounts
from harness.jobserver.server import JobServer as JobServer
from harness.jobserver.server import serve as serve
