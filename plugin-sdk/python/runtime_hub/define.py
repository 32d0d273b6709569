"""What plugin.py declares, and the manifest that it stands for."""

from .hints import object_of, schema_of

_DEFAULT_TIMEOUT_MS = 30_000
_NO_CONFIG = {"type": "object", "properties": {}, "additionalProperties": False}
#: Parameters that are not ports: what a function may ask for by name.
_GIVEN = ("step", "trigger", "request", "config", "inputs", "context", "emit", "args")


class Node:
    """One node type: its part of the manifest, and how its function is called."""

    def __init__(self, function, kind, declared):
        _require_plain(function)
        self.kind = kind
        self._function = function
        self._positional, self._keyword = _parameters(function)
        hints, names = function.__annotations__, function.__globals__
        optional = self._positional[len(self._positional) - len(function.__defaults__ or ()) :]
        ports = [name for name in self._positional if name not in _GIVEN]
        config, inputs, outputs = declared["config"], declared["inputs"], declared["outputs"]
        if inputs is None:
            inputs = {name: hints.get(name, object) for name in ports}
        if outputs is None:
            outputs = _outputs_of(hints.get("return"), names)
        if config is None:
            config = _config_of(function, self._keyword, names)
        self._optional = [name for name in optional if name not in _GIVEN]
        self.manifest = {
            "type": declared["type"] or function.__name__.replace("_", "-"),
            "title": declared["title"] or function.__name__.replace("_", " ").capitalize(),
            "description": declared["description"],
            "kind": kind,
            "effect": declared["effect"],
            "join": declared["join"],
            "config": config,
            "inputs": {port: schema_of(hint, names) for port, hint in inputs.items()},
            "outputs": {port: schema_of(hint, names) for port, hint in outputs.items()},
            "optionalInputs": list(declared["optional_inputs"] or self._optional),
            "timeoutMs": declared["timeout_ms"],
            "uses": list(declared["uses"]),
        }

    def call(self, given):
        """Calls the function with what it names out of `given` (an object with the fields of _GIVEN it can have)."""
        inputs, config = getattr(given, "inputs", {}), given.config
        named = {}
        for name in self._positional:
            if name in _GIVEN:
                named[name] = _given(given, name)
            elif name in inputs or name not in self._optional:
                named[name] = inputs[name]
        for name in self._keyword:
            if name in config or name not in (self._function.__kwdefaults__ or {}):
                named[name] = config[name]
        return self._function(**named)


class Plugin:
    """Everything that plugin.py declared."""

    def __init__(self):
        self.facts = None
        self.nodes = {}
        self.operations = {}

    def add(self, node):
        name = node.manifest["type"]
        if name in self.nodes:
            raise ValueError(f"the node type {name} is there twice")
        self.nodes[name] = node

    def manifest(self):
        if self.facts is None:
            raise ValueError("plugin.py does not call plugin(...)")
        provides = list(dict.fromkeys(capability for capability, _ in self.operations))
        nodes = [node.manifest for node in self.nodes.values()]
        return {**self.facts, "provides": provides, "nodes": nodes}


#: Filled while plugin.py is imported.
declared = Plugin()


def plugin(*, id, version, title, description, engine, permissions=(), license="Apache-2.0"):
    """Says what the plugin is and asks for; called once."""
    if declared.facts is not None:
        raise ValueError("plugin(...) is called twice")
    declared.facts = {
        "manifestVersion": 1,
        "id": id,
        "version": version,
        "title": title,
        "description": description,
        "license": license,
        "engine": engine,
        "runtime": "python",
        "entry": "plugin.py",
        "permissions": list(permissions),
    }


def node(
    type=None,
    *,
    effect,
    title=None,
    description="",
    config=None,
    inputs=None,
    outputs=None,
    optional_inputs=None,
    join="all",
    timeout_ms=_DEFAULT_TIMEOUT_MS,
    uses=(),
):
    """Declares a node type. `effect`: pure, idempotent or external. The function gives a dict of outputs, or None."""
    return _declare("action", {**locals()})


def trigger(type=None, *, title=None, description="", config=None, outputs=None, uses=()):
    """Declares a node type that starts runs: its function calls `emit(outputs)` until that raises Cancelled."""
    return _declare(
        "trigger",
        {
            **locals(),
            "effect": "external",
            "inputs": {},
            "optional_inputs": None,
            "join": "all",
            "timeout_ms": _DEFAULT_TIMEOUT_MS,
        },
    )


def operation(capability, name):
    """Provides an operation of a capability; its function takes `args` and, if it likes, `context`."""

    def declare(function):
        _require_plain(function)
        positional, _ = _parameters(function)
        declared.operations[capability, name] = (function, positional)
        return function

    return declare


def _declare(kind, options):
    def declare(function):
        declared.add(Node(function, kind, options))
        return function

    return declare


def _require_plain(function):
    # CO_COROUTINE, CO_ASYNC_GENERATOR, CO_GENERATOR
    if function.__code__.co_flags & (0x80 | 0x200 | 0x20):
        raise TypeError(f"{function.__name__} must be a plain function; every step has a thread of its own")


def _parameters(function):
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    return positional, code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]


def _given(given, name):
    return given if name in ("step", "trigger") else getattr(given, name)


def _config_of(function, keyword, names):
    if not keyword:
        return dict(_NO_CONFIG)
    defaults = function.__kwdefaults__ or {}
    required = [name for name in keyword if name not in defaults]
    hints = {name: function.__annotations__.get(name, object) for name in keyword}
    schema = object_of(hints, required, names)
    for name, value in defaults.items():
        if value is not None:
            schema["properties"][name] = {**schema["properties"][name], "default": value}
    return schema


def _outputs_of(hint, names):
    if isinstance(hint, str):
        hint = eval(hint, names)
    if hint is None:
        return {}
    if isinstance(hint, dict):
        return hint
    if hasattr(hint, "__total__"):
        return hint.__annotations__
    raise TypeError("the return hint of a node is a dict of its outputs, or a TypedDict")
