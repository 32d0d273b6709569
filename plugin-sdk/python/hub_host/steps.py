"""Runs the steps of a segment, one after the other."""

import time
from types import SimpleNamespace

from .checks import Ports
from .context import Context
from .values import plain


class Nodes:
    """The plugin's node types with their checks. Raises Unsupported for a schema that can't be checked here."""

    def __init__(self, nodes):
        self._nodes = {name: (node, *_checks_of(node)) for name, node in nodes.items()}

    def find(self, type, kind):
        """(node, checks of inputs, checks of outputs) for `type` or `namespace/name:type`."""
        found = self._nodes.get(type.rpartition(":")[2])
        if found is None or found[0].kind != kind:
            raise LookupError(f"the plugin has no {'trigger' if kind == 'trigger' else 'node type'} {type}")
        return found


def run_steps(steps, frame, tools):
    """The reports of one run: a step whose link brought nothing is left out, the first that fails is the last."""
    run = _Run(frame, tools)
    for step in steps:
        inputs = run.inputs_of(step)
        if inputs is not None and not run.perform(step, inputs):
            break
    return run.reports


class _Run:
    def __init__(self, frame, tools):
        self._frame = frame
        self._tools = tools
        self._given = {}
        self.reports = []

    def inputs_of(self, step):
        """None when a link brought nothing."""
        inputs = {**step["inputs"], **self._values(step).get("inputs", {})}
        for name, link in step["links"].items():
            given = self._given.get(link["from"])
            if given is None:
                return None
            if name == "run" or link["port"] == "done":
                continue
            if link["port"] not in given:
                return None
            inputs[name] = given[link["port"]]
        return inputs

    def perform(self, step, inputs):
        """Runs one step and reports it; False when it failed."""
        started = time.monotonic()
        try:
            outcome = {"ok": True, "outputs": self._outputs_of(step, inputs)}
            self._given[step["node"]] = outcome["outputs"]
        except _Unfit as unfit:
            outcome = {"ok": False, "error": self._tools.reports.made(unfit.code, problems=unfit.problems)}
        except MemoryError:
            raise
        except BaseException as error:
            outcome = {"ok": False, "error": self._tools.reports.of(error)}
        ms = int((time.monotonic() - started) * 1000)
        self.reports.append({"node": step["node"], **outcome, "ms": ms})
        return outcome["ok"]

    def _outputs_of(self, step, inputs):
        node, checks_in, checks_out = self._tools.nodes.find(step["type"], "action")
        linked = {name: inputs[name] for name in step["links"] if name in inputs}
        _require("STEP_INPUT_INVALID", checks_in, linked)
        values = self._values(step)
        config = {**step["config"], **values.get("config", {})}
        # Copies: what one step does to a value is seen by no other.
        given = SimpleNamespace(
            config=plain(config, depth=64),
            inputs=plain(inputs, depth=64),
            context=self._context(step["node"], values.get("attempt", 1)),
        )
        outputs = node.call(given)
        if outputs is None:
            return {}
        if not isinstance(outputs, dict):
            raise TypeError("a node gives a dict of its outputs, or None")
        outputs = plain(outputs, "outputs")
        _require("STEP_OUTPUT_INVALID", checks_out, outputs)
        return outputs

    def _context(self, node, attempt):
        run, workflow = self._frame["run"], self._frame["workflow"]
        facts = {"run": run, "workflow": workflow, "node": node, "attempt": attempt}
        return Context(self._tools.scope, self._tools.log, {**facts, "idempotency_key": f"{run}:{node}"})

    def _values(self, step):
        return self._frame["values"].get(step["node"], {})


class _Unfit(Exception):
    def __init__(self, code, problems):
        super().__init__(code)
        self.code = code
        self.problems = problems


def _require(code, checks, values):
    problems = checks.problems(values)
    if problems is not None:
        raise _Unfit(code, problems)


def _checks_of(node):
    manifest = node.manifest
    return Ports("inputs", manifest["inputs"]), Ports("outputs", manifest["outputs"])
