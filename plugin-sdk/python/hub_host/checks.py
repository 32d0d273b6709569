"""Checks values against JSON Schemas (draft 2020-12, without references to elsewhere and unevaluated…)."""

import re

_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else")
_SILENT = ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly")
_SILENT += ("$comment", "$schema", "$id", "minContains", "maxContains", "then", "else", *_MAPS[3:])
_TYPES = {
    "null": lambda it: it is None,
    "boolean": lambda it: it is True or it is False,
    "string": lambda it: isinstance(it, str),
    "array": lambda it: isinstance(it, list),
    "object": lambda it: isinstance(it, dict),
    "number": lambda it: _is_number(it),
    "integer": lambda it: _is_number(it) and it == int(it),
}


class Unsupported(ValueError):
    """A schema with what is not checked here; said when the plugin is packed, so that nothing goes unchecked."""


class Ports:
    """The schemas of a node's inputs or outputs."""

    def __init__(self, direction, schemas):
        self._direction = direction
        self._checks = {port: Check(schema) for port, schema in schemas.items()}
        self._cure = "Return what the node type declares." if direction == "outputs" else "Convert it before."

    def problems(self, values):
        """What is wrong, as the contract's Problem list; None when nothing is. Ports that bring nothing are not checked."""
        for port, value in values.items():
            check = self._checks.get(port)
            wrong = ("", "must be declared by the node type") if check is None else check.wrong(value)
            if wrong is not None:
                at, message = wrong
                return [{"at": f"{self._direction}/{port}{at}"[:300], "message": message[:300], "cure": self._cure}]
        return None


class Check:
    """One schema, made ready. Raises Unsupported."""

    def __init__(self, schema):
        self._root = schema
        self._patterns = {}
        self._prepare(schema)

    def wrong(self, value):
        """(where, what) for the first thing that does not fit; None when all does."""
        return self._wrong(self._root, value, "")

    def _prepare(self, schema):
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict):
            raise Unsupported("a schema is neither an object nor a boolean")
        for keyword, value in schema.items():
            if keyword not in _RULES and keyword not in _SILENT:
                raise Unsupported(f"the schema keyword {keyword} is not supported in Python plugins")
            if keyword == "pattern":
                self._compile(value)
            if keyword == "patternProperties":
                for pattern in value:
                    self._compile(pattern)
            if keyword == "$ref":
                self.resolve(value)
            for inner in _inner(keyword, value):
                self._prepare(inner)

    def _compile(self, pattern):
        try:
            self._patterns[pattern] = re.compile(_at_the_end(pattern), re.ASCII)
        except re.error as error:
            raise Unsupported(f"the pattern {pattern} is not one of Python's too: {error}") from error

    def _wrong(self, schema, value, at):
        if schema is True:
            return None
        if schema is False:
            return (at, "must not be there")
        for keyword, given in schema.items():
            rule = _RULES.get(keyword)
            found = None if rule is None else rule(self, given, value, at, schema)
            if found is True:
                return (at, f"must fit {keyword} {_short(given)}")
            if found:
                return found
        return None

    def fits(self, schema, value):
        return self._wrong(schema, value, "") is None

    def first(self, schema, value, at):
        return self._wrong(schema, value, at)

    def matches(self, pattern, text):
        return self._patterns[pattern].search(text) is not None

    def resolve(self, reference):
        here = self._root
        if reference != "#" and not reference.startswith("#/"):
            raise Unsupported(f"the reference {reference} leads elsewhere")
        for part in reference.split("/")[1:]:
            here = here.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None
        if here is None:
            raise Unsupported(f"the reference {reference} leads nowhere")
        return here


def _inner(keyword, value):
    if keyword in _MAPS:
        return value.values()
    if keyword in _LISTS:
        return value
    return [value] if keyword in _SINGLE else []


def _short(value):
    return repr(value)[:120]


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(one, other):
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return one == other


def _at_the_end(pattern):
    """`$` is the very end in JSON Schema; in Python it may stand before a last line break."""
    return re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", lambda it: r"\Z" if it.group() == "$" else it.group(), pattern)


def _type(_, given, value, *__):
    names = [given] if isinstance(given, str) else given
    return not any(_TYPES[name](value) for name in names)


def _properties(check, given, value, at, _):
    for name, schema in given.items() if isinstance(value, dict) else ():
        found = check.first(schema, value[name], f"{at}/{name}") if name in value else None
        if found:
            return found
    return None


def _pattern_properties(check, given, value, at, _):
    for name, item in value.items() if isinstance(value, dict) else ():
        for pattern, schema in given.items():
            found = check.first(schema, item, f"{at}/{name}") if check.matches(pattern, name) else None
            if found:
                return found
    return None


def _additional(check, given, value, at, schema):
    for name, item in value.items() if isinstance(value, dict) else ():
        patterns = schema.get("patternProperties", ())
        if name in schema.get("properties", ()) or any(check.matches(it, name) for it in patterns):
            continue
        found = check.first(given, item, f"{at}/{name}")
        if found:
            return found
    return None


def _items(check, given, value, at, schema):
    start = len(schema.get("prefixItems", ()))
    for index in range(start, len(value) if isinstance(value, list) else 0):
        found = check.first(given, value[index], f"{at}/{index}")
        if found:
            return found
    return None


def _prefix(check, given, value, at, _):
    for index, (schema, item) in enumerate(zip(given, value if isinstance(value, list) else ())):
        found = check.first(schema, item, f"{at}/{index}")
        if found:
            return found
    return None


def _contains(check, given, value, _, schema):
    if not isinstance(value, list):
        return False
    count = sum(check.fits(given, item) for item in value)
    return not schema.get("minContains", 1) <= count <= schema.get("maxContains", count)


def _all_of(check, given, value, at, _):
    return next(filter(None, (check.first(schema, value, at) for schema in given)), None)


def _condition(check, given, value, at, schema):
    then = schema.get("then" if check.fits(given, value) else "else", True)
    return check.first(then, value, at)


def _dependent_schemas(check, given, value, at, _):
    held = [schema for name, schema in given.items() if isinstance(value, dict) and name in value]
    return _all_of(check, held, value, at, None)


def _multiple(given, value):
    return not float(value / given).is_integer()


def _for(is_kind, breaks):
    return lambda _, given, value, *__: is_kind(value) and breaks(given, value)


_text, _list, _object = _TYPES["string"], _TYPES["array"], _TYPES["object"]
#: Each is told (check, the keyword's value, the value, where, the schema) and gives True, (where, what), or nothing.
_RULES = {
    "type": _type,
    "enum": lambda _, given, value, *__: not any(_same(one, value) for one in given),
    "const": lambda _, given, value, *__: not _same(given, value),
    "minimum": _for(_is_number, lambda given, value: value < given),
    "maximum": _for(_is_number, lambda given, value: value > given),
    "exclusiveMinimum": _for(_is_number, lambda given, value: value <= given),
    "exclusiveMaximum": _for(_is_number, lambda given, value: value >= given),
    "multipleOf": _for(_is_number, _multiple),
    "minLength": _for(_text, lambda given, value: len(value) < given),
    "maxLength": _for(_text, lambda given, value: len(value) > given),
    "pattern": lambda check, given, value, *_: _text(value) and not check.matches(given, value),
    "minItems": _for(_list, lambda given, value: len(value) < given),
    "maxItems": _for(_list, lambda given, value: len(value) > given),
    "uniqueItems": _for(
        _list,
        lambda given, value: given
        and any(_same(one, other) for at, one in enumerate(value) for other in value[:at]),
    ),
    "minProperties": _for(_object, lambda given, value: len(value) < given),
    "maxProperties": _for(_object, lambda given, value: len(value) > given),
    "required": _for(_object, lambda given, value: not all(name in value for name in given)),
    "dependentRequired": _for(
        _object,
        lambda given, value: any(
            name in value and not all(other in value for other in others) for name, others in given.items()
        ),
    ),
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "propertyNames": lambda check, given, value, *_: _object(value)
    and not all(check.fits(given, name) for name in value),
    "items": _items,
    "prefixItems": _prefix,
    "contains": _contains,
    "allOf": _all_of,
    "anyOf": lambda check, given, value, *_: not any(check.fits(schema, value) for schema in given),
    "oneOf": lambda check, given, value, *_: sum(check.fits(schema, value) for schema in given) != 1,
    "not": lambda check, given, value, *_: check.fits(given, value),
    "if": _condition,
    "dependentSchemas": _dependent_schemas,
    "$ref": lambda check, given, value, at, _: check.first(check.resolve(given), value, at),
}
