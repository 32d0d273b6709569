"""The life of a host: hello, load, work, end."""

import os
import re
import resource
import sys
import threading
from types import SimpleNamespace

from runtime_hub import define
from runtime_hub.errors import Cancelled, HubError

from .alarms import Alarms
from .calls import Calls, Signal
from .channel import Channel
from .context import Context, LogLimit
from .reports import Reports
from .requests import Requests, end
from .steps import Nodes, run_steps
from .values import plain

_STACK_BYTES = 1024 * 1024
_MAX_THREADS = 512


class Host:
    """The main thread reads frames, rings alarms and imports the plugin; all other plugin code has threads of its own."""

    def __init__(self, folder, contract):
        self._folder = folder
        self._channel = Channel()
        self._alarms = Alarms()
        self._reports = Reports(contract["errors"])
        self._calls = Calls(self._channel, contract["capabilities"])
        self._requests = Requests(self._channel, self._alarms, self._calls, self._reports)
        self._log_limit = LogLimit()
        self._nodes = None
        self._segments = {}
        self._listening = {}

    def run(self):
        sys.stdout.reconfigure(line_buffering=True)
        threading.stack_size(_STACK_BYTES)
        _bound_threads()
        self._channel.send({"t": "hello", "pid": os.getpid()})
        take = {
            "load": self._load,
            "define": self._define,
            "run": self._run,
            "listen": self._listen,
            "credit": self._credit,
            "serve": self._serve,
            "cancel": lambda frame: self._requests.cancel(frame["id"]),
            "reply": lambda frame: self._calls.settle(frame["id"], frame),
        }
        while True:
            for frame in self._channel.receive(self._alarms.wait()):
                take[frame["t"]](frame)
            self._alarms.ring()

    def _load(self, frame):
        self._reports.plugin = self._calls.plugin = frame["plugin"]
        self._reports.limit_mb = frame["memoryMb"]
        try:
            sys.path.append(self._folder)
            sys.dont_write_bytecode = True
            import plugin  # noqa: F401

            manifest = plain(define.declared.manifest())
            self._nodes = Nodes(define.declared.nodes)
            reply = {"ok": True, "value": {"manifest": manifest}}
            self._channel.send({"t": "reply", "id": frame["id"], **reply})
        except BaseException as error:
            message = self._reports.of(error)["message"][:1000]
            report = self._reports.made("HOST_LOAD_FAILED", plugin=frame["plugin"], message=message)
            self._channel.send({"t": "reply", "id": frame["id"], "ok": False, "error": report})
            end(f"the plugin could not be loaded: {message}")

    def _define(self, frame):
        self._segments[frame["segment"]] = frame["steps"]

    def _run(self, frame):
        def work(scope):
            steps = self._segments.get(frame["segment"])
            if steps is None:
                raise LookupError(f"the segment {frame['segment']} is not defined")
            tools = SimpleNamespace(nodes=self._nodes, reports=self._reports, scope=scope, log=self._log)
            return run_steps(steps, frame, tools)

        self._requests.begin(frame, "run", work)

    def _listen(self, frame):
        listening = _Listening()
        self._listening[frame["id"]] = listening

        def work(scope):
            node, _, checks = self._nodes.find(frame["type"], "trigger")
            facts = {"workflow": frame["workflow"], "node": frame["node"]}
            context = Context(scope, self._log, facts)
            emit = self._emitter(scope, listening, checks)
            given = SimpleNamespace(config=plain(frame["config"], depth=64), context=context, emit=emit)
            try:
                node.call(given)
            except Cancelled:
                if not scope.aborted:
                    raise
            finally:
                self._listening.pop(frame["id"], None)

        self._requests.begin(frame, "listen", work)

    def _emitter(self, scope, listening, checks):
        def emit(outputs):
            """Sends an event; waits while the hub allows no more. Raises Cancelled once the trigger is to end."""
            value = plain(outputs, "outputs")
            listening.take(scope)
            problems = checks.problems(value)
            if problems is not None:
                self._requests.refuse(scope.id, "STEP_OUTPUT_INVALID", problems=problems)
            scope.check()
            self._channel.send({"t": "event", "id": scope.id, "value": value})

        return emit

    def _credit(self, frame):
        listening = self._listening.get(frame["id"])
        if listening is not None:
            listening.allow(frame["n"])

    def _serve(self, frame):
        def work(scope):
            name = frame["capability"], frame["operation"]
            found = define.declared.operations.get(name)
            if found is None:
                need = ".".join(name)
                raise HubError("CAPABILITY_UNAVAILABLE", f"The plugin does not provide {need}", {"need": need})
            function, wanted = found
            context = Context(scope, self._log, {"caller": frame["caller"]})
            given = {"args": frame["args"], "context": context}
            return plain(function(**{one: given[one] for one in wanted}), "the result")

        self._requests.begin(frame, "serve", work)

    def _log(self, scope, level, text):
        line = self._log_limit.pass_(text)
        if line is None:
            return
        within = {"within": scope.id} if self._requests.is_open(scope.id) else {}
        self._channel.send({"t": "log", **within, "level": level, "text": line})


def _bound_threads():
    """Since Linux 5.14 the limit counts this jail's own threads; before, all of its user's. It does not bind root."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if release and tuple(map(int, release.groups())) >= (5, 14):
        resource.setrlimit(resource.RLIMIT_NPROC, (_MAX_THREADS, _MAX_THREADS))


class _Listening:
    """How many more events the hub allows, and who waits for that."""

    def __init__(self):
        self._lock = threading.Lock()
        self._credit = 0
        self._waiting = []

    def allow(self, n):
        with self._lock:
            woken, self._waiting = self._waiting[:n], self._waiting[n:]
            self._credit += n - len(woken)
        for signal in woken:
            signal.tell(None)

    def take(self, scope):
        scope.check()
        with self._lock:
            if self._credit > 0:
                self._credit -= 1
                return
            signal = Signal()
            self._waiting.append(signal)
        scope.wait(signal, -1)
