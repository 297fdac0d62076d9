"""A run's folder as harness 0.1 left it: schema 1, without any record of what reached the phone."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.history.files import HISTORY, PLAN
from harness.report.folder import VERDICT

LATER_KINDS = {"delivered", "stream_began", "body", "dial", "listens", "shaped", "waited", "said", "read", "answered"}
LATER_FIELDS: Mapping[str, set[str]] = {
    "end": {"counts"},
    "canary": {"way"},
    "signal": {"ears"},
    "app": {"no"},
    "status": {"no"},
    "boxed": {"spent"},
    "conn_end": {"left_ns"},
    "write": {"rid", "began_ns", "offset"},
    "snapshot": {"rid", "digest"},
    "subscriber": {"rid"},
    "gap_signal": {"rid"},
}
OF_TRUST = {"faults", "proved", "lag_p99", "lag_max", "control_max", "clock_bound", "truncated", "ended", "facts"}


def age(run: Path) -> None:
    """Rewrite a run's files as that harness had them."""
    _rewrite(run / PLAN, lambda plan: plan | {"schema_version": 1})
    if (run / VERDICT).exists():
        _rewrite(run / VERDICT, _verdict)
    if (run / HISTORY).exists():
        lines = gzip.decompress((run / HISTORY).read_bytes()).splitlines()
        kept = [json.dumps(one) for one in map(_record, map(json.loads, lines)) if one is not None]
        (run / HISTORY).write_bytes(gzip.compress("".join(f"{line}\n" for line in kept).encode()))


def _rewrite(path: Path, change: Any) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def _verdict(verdict: dict[str, Any]) -> dict[str, Any]:
    laws = [law for law in verdict["laws"] if law["code"] not in {"H1", "H4"}]
    trust = {name: value for name, value in verdict["trust"].items() if name in OF_TRUST}
    return verdict | {"schema_version": 1, "laws": laws, "trust": trust}


def _record(record: dict[str, Any]) -> dict[str, Any] | None:
    kind = record["kind"]
    if kind in LATER_KINDS:
        return None
    later = LATER_FIELDS.get(kind, set())
    found = {name: value for name, value in record.items() if name not in later}
    return found | {"schema_version": 1} if kind == "run" else found
