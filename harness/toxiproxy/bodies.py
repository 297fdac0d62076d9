"""Request bodies as Go's JSON decoder reads them, and the bodies of answers.

Unknown keys are ignored, keys match in any case, ``null`` leaves the default, and what follows the first JSON value is
ignored (Toxiproxy 2.12, tried).
"""

import json
from typing import Any, TypeVar

from harness.toxics import ToxicSpec
from harness.toxiproxy.proxy import Proxy

T = TypeVar("T")
Json = dict[str, Any]


class ApiError(Exception):
    """A call is refused: ``status`` and the message of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def decode(body: bytes) -> object:
    """Return the first JSON value of ``body``. Raises ``ApiError`` 400."""
    try:
        text = body.decode("utf-8-sig" if body[:1] == b"\xef" else "utf-8", "replace").lstrip(" \t\r\n")
        if not text:
            raise bad_body("EOF")
        value: object = json.JSONDecoder().raw_decode(text)[0]
    except (json.JSONDecodeError, RecursionError) as error:
        raise bad_body(str(error)) from error
    return value


def fields(value: object) -> Json:
    """Return an object's members under lower-case keys, without the ``null`` ones. Raises ``ApiError`` 400."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_body(f"expected an object, got {json.dumps(value)[:80]}")
    return {key.lower(): member for key, member in value.items() if member is not None}


def text_of(members: Json, key: str, default: str) -> str:
    """Return a string member. Raises ``ApiError`` 400 for one of another type."""
    return _typed(members, key, str, default)


def flag_of(members: Json, key: str, *, default: bool) -> bool:
    """Return a boolean member. Raises ``ApiError`` 400 for one of another type."""
    return _typed(members, key, bool, default)


def number_of(members: Json, key: str, default: float) -> float:
    """Return a number. Raises ``ApiError`` 400 for anything else."""
    value = members.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_body(f"expected a number for {key}, got {json.dumps(value)[:80]}")
    return value


def attributes_of(members: Json) -> Json:
    """Return the ``attributes`` member as it came, empty where absent. Raises ``ApiError`` 400 where not an object."""
    return _typed(members, "attributes", dict, {})


def _typed(members: Json, key: str, kind: type[T], default: T) -> T:
    value = members.get(key, default)
    if not isinstance(value, kind):
        raise bad_body(f"expected a {kind.__name__} for {key}, got {json.dumps(value)[:80]}")
    return value


def bad_body(why: str) -> ApiError:
    """Return the error for a body that cannot be read."""
    return ApiError(400, f"bad request body: {why}")


def encode(value: object) -> bytes:
    """Return compact JSON without a newline, as Toxiproxy's successes are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def proxy_body(proxy: Proxy) -> Json:
    """Return a proxy as the API shows it; the empty ``Logger`` is an accident of Toxiproxy's that clients may know."""
    order = sorted(proxy.toxics, key=lambda spec: spec.direction, reverse=True)  # upstream first; the sort is stable
    return {
        "name": proxy.name,
        "listen": proxy.listen,
        "upstream": proxy.upstream,
        "enabled": proxy.enabled,
        "Logger": {},
        "toxics": [toxic_body(spec) for spec in order],
    }


def toxic_body(spec: ToxicSpec) -> Json:
    """Return a toxic as the API shows it."""
    toxicity = int(spec.toxicity) if float(spec.toxicity).is_integer() else spec.toxicity
    return {
        "attributes": spec.toxic.attributes,
        "name": spec.name,
        "type": spec.toxic.type,
        "stream": spec.stream,
        "toxicity": toxicity,
    }
