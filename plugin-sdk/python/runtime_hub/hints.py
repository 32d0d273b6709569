"""JSON Schemas from type hints."""

#: A blob handle: what `context.blobs` reads and writes, and what travels in its place.
BLOB = {
    "type": "object",
    "properties": {
        "$blob": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "mime": {"type": "string", "maxLength": 100},
        "sizeBytes": {"type": "integer", "minimum": 0},
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    },
    "required": ["$blob", "mime", "sizeBytes", "sha256"],
    "additionalProperties": False,
}

_SIMPLE = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    list: {"type": "array"},
    dict: {"type": "object"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    object: {},
}


def schema_of(hint, names):
    """The schema of a hint; a dict is one already. `names` is where names in texts are looked up."""
    if isinstance(hint, dict):
        return hint
    if isinstance(hint, str):
        # The author's own annotation, kept as text by `from __future__ import annotations`.
        return schema_of(eval(hint, names), names)
    try:
        return dict(_SIMPLE[hint])
    except (KeyError, TypeError):
        return _generic(hint, names)


def object_of(hints, required, names):
    """The schema of an object with these properties and no others."""
    properties = {name: schema_of(hint, names) for name, hint in hints.items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def _generic(hint, names):
    # Only here: a tenth of what a host takes to start.
    from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

    if isinstance(hint, ForwardRef):
        return schema_of(hint.__forward_arg__, names)
    if hint is Any:
        return {}
    origin, args = get_origin(hint), get_args(hint)
    if hasattr(hint, "__metadata__"):
        schema = schema_of(hint.__origin__, names)
        for extra in hint.__metadata__:
            schema = {**schema, **extra} if isinstance(extra, dict) else schema
        return schema
    if origin is Literal:
        return {"enum": list(args)}
    if origin is Union or type(hint).__name__ == "UnionType":
        return {"anyOf": [schema_of(one, names) for one in args]}
    if origin is list:
        return {"type": "array", "items": schema_of(args[0], names)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(args[1], names)}
    if isinstance(hint, type) and hasattr(hint, "__total__"):
        required = [name for name in hint.__annotations__ if name in hint.__required_keys__]
        return object_of(hint.__annotations__, required, names)
    raise TypeError(f"there is no JSON Schema for the hint {hint!r}; give a schema instead")
