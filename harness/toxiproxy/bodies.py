"""Request bodies as Go's JSON decoder reads them, and the bodies of answers.

Unknown keys are ignored, keys match in any case, the last of equal ones counts, ``null`` leaves the default, what
follows the first JSON value is ignored, and half a surrogate pair becomes U+FFFD (Toxiproxy 2.12, tried).
"""

import json
import re
import struct
from typing import Any, NoReturn, TypeVar

from harness.toxics import ToxicSpec
from harness.toxiproxy.proxy import Proxy

FLOAT32_MAX = 3.4028235e38
"""A toxicity is a float of 32 bits in Toxiproxy, and one beyond that is refused there too."""

T = TypeVar("T")
Json = dict[str, Any]


class ApiError(Exception):
    """A call is refused: ``status`` and the message of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def decode(body: bytes) -> object:
    """Return the first JSON value of ``body``, the keys of objects in lower case. Raises ``ApiError`` 400."""
    try:
        text = body.decode("utf-8-sig" if body[:1] == b"\xef" else "utf-8", "replace").lstrip(" \t\r\n")
        if not text:
            raise bad_body("EOF")
        value: object = _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, or a number of more digits than Python reads
        raise bad_body(str(error)) from error
    return value


def fields(value: object) -> Json:
    """Return a decoded object's members; ``null`` is one without any. Raises ``ApiError`` 400."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_body(f"expected an object, got {_kind(value)}")
    return value


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
        raise bad_body(f"expected a number for {key}, got {_kind(value)}")
    if abs(value) > FLOAT32_MAX:
        raise bad_body(f"expected a number of 32 bits for {key}, got a larger one")
    return _float32(value)


def attributes_of(members: Json) -> Json:
    """Return the ``attributes`` member as it came, empty where absent. Raises ``ApiError`` 400 where not an object."""
    return _typed(members, "attributes", dict, {})


def _typed(members: Json, key: str, kind: type[T], default: T) -> T:
    value = members.get(key, default)
    if not isinstance(value, kind):
        raise bad_body(f"expected {_KINDS[kind]} for {key}, got {_kind(value)}")
    return value


def _float32(value: float) -> float:
    """Return the shortest number that is the same float of 32 bits: as such Toxiproxy keeps and shows a toxicity."""
    (single,) = struct.unpack("f", packed := struct.pack("f", value))
    shortened = (float(f"{single:.{digits}g}") for digits in range(1, 10))  # 9 are always enough
    return next(short for short in shortened if struct.pack("f", short) == packed)


def _kind(value: object) -> str:
    """Say what a decoded value is. Not how it reads: that may be as long, and as deep, as a body may be."""
    return _KINDS.get(type(value), "null")


def _members(pairs: list[tuple[str, Any]]) -> Json:
    return {_text(key).lower(): _text(value) for key, value in pairs if value is not None}


def _text(value: Any) -> Any:
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_SURROGATE = re.compile("[\ud800-\udfff]")
_KINDS = {dict: "an object", list: "an array", str: "a string", int: "a number", float: "a number", bool: "a boolean"}
_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant)


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
    toxicity = int(spec.toxicity) if spec.toxicity.is_integer() else spec.toxicity
    return {
        "attributes": spec.toxic.attributes,
        "name": spec.name,
        "type": spec.toxic.type,
        "stream": spec.stream,
        "toxicity": toxicity,
    }
