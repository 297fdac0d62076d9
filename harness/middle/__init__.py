"""HTTP-level boxes between a phone and a server, as stages of the gate's flows."""

from harness.middle.kinds import RequestKinds as RequestKinds
from harness.middle.middle import Middle as Middle
from harness.middle.stage import HttpStage as HttpStage
