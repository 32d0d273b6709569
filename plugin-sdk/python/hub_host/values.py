"""JSON as it may travel: what fits a frame, and is the same on the other side."""

import json
import math

MAX_FRAME_BYTES = 1_048_576
#: A frame may nest 64 levels; its own fields take some of them.
_MAX_DEPTH = 56
_MAX_INTEGER = 2**53 - 1


class NotJson(ValueError):
    """A value that JSON can't carry unchanged; says where it is."""


class TooLong(ValueError):
    """A frame with more bytes than allowed."""


def plain(value, at="", depth=_MAX_DEPTH):
    """A copy of a JSON value; tuples become lists. Raises NotJson."""
    if value is None or value is True or value is False:
        return value
    kind = _KINDS.get(type(value)) or _kind_of(value)
    if kind is str:
        return str.__str__(value)
    if kind is int:
        if -_MAX_INTEGER <= value <= _MAX_INTEGER:
            return value
        raise NotJson(f"{at or 'the value'} is a number that JSON does not carry whole; give a text")
    if kind is float:
        if math.isfinite(value):
            return value
        raise NotJson(f"{at or 'the value'} is not a finite number")
    if depth == 0:
        raise NotJson(f"{at[:100]}… is nested too deep")
    if kind is list:
        return [plain(item, f"{at}/{index}", depth - 1) for index, item in enumerate(value)]
    if kind is dict:
        return {_key(key, at): plain(item, f"{at}/{key}", depth - 1) for key, item in dict.items(value)}
    raise NotJson(f"{at or 'the value'} is a {type(value).__name__}, which is not JSON")


def encode(frame):
    """The bytes of a frame, with its length before it. Raises TooLong."""
    text = json.dumps(frame, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        body = text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair is not UTF-8, but has an escape.
        body = json.dumps(frame, allow_nan=False, separators=(",", ":")).encode()
    if len(body) > MAX_FRAME_BYTES:
        raise TooLong(f"what the plugin gave is larger than a frame may be ({len(body)} bytes)")
    return len(body).to_bytes(4, "little") + body


_KINDS = {str: str, int: int, float: float, list: list, tuple: list, dict: dict}


def _kind_of(value):
    """Subclasses of what JSON knows count as that; an int's or a float's may print as anything."""
    return next((kind for kind in (str, dict, list) if isinstance(value, kind)), None)


def _key(key, at):
    if type(key) is not str:
        raise NotJson(f"{at or 'the value'} has a key that is a {type(key).__name__}")
    if key == "__proto__":
        raise NotJson(f"{at or 'the value'} has a key __proto__, which no frame may have")
    return key
