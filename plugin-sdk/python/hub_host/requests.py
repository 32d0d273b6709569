"""The hub's requests: each has a thread, a scope, a deadline and exactly one reply."""

import os
import sys
import threading

from .context import Scope
from .values import NotJson, TooLong
from .workers import Workers

#: Shorter than the hub's own grace, so that code which does not stop is told of here, by its deadline.
_GRACE_MS = 150
#: A thread can't be ended. One that goes on this long after its step was cancelled ends with the host.
_ABANDONED_MS = 5000


class Request:
    def __init__(self, frame, kind, scope):
        self.id = frame["id"]
        self.kind = kind
        self.deadline_ms = frame.get("deadlineMs", 0)
        self.scope = scope
        self.ending = None
        self.worked = False
        self.alarm = 0


class Requests:
    """`begin`, `cancel` and the alarms belong to the main thread; each request's own thread answers it."""

    def __init__(self, channel, alarms, calls, reports):
        self._channel = channel
        self._alarms = alarms
        self._calls = calls
        self._reports = reports
        self._lock = threading.Lock()
        self._open = {}
        self._workers = Workers()

    def begin(self, frame, kind, work):
        """Has `work(scope)` answer a request in a thread of its own."""
        request = Request(frame, kind, Scope(frame["id"], self._calls))
        with self._lock:
            self._open[request.id] = request
        if request.deadline_ms > 0:
            request.alarm = self._alarms.after(request.deadline_ms, self._end_soon, request, "timed-out")
        try:
            self._workers.do(f"{kind} {request.id}", self._answer, request, work)
        except (RuntimeError, MemoryError):
            error = self._reports.made("HOST_OVERLOADED", plugin=self._reports.plugin, limit="threads")
            self._close(request, {"ok": False, "error": error})
            # The plugin's own threads, or its memory, left no room for one: a new host has room.
            if not self._open:
                end("no thread could be started")

    def cancel(self, id):
        with self._lock:
            request = self._open.get(id)
        if request is not None:
            self._end_soon(request, "cancelled")

    def is_open(self, id):
        with self._lock:
            return id in self._open

    def refuse(self, id, code, **data):
        """Answers a request with an error of the host's own, and cancels what works on it."""
        with self._lock:
            request = self._open.get(id)
        if request is not None:
            self._close(request, {"ok": False, "error": self._reports.made(code, **data)})

    def _answer(self, request, work):
        full = False
        try:
            outcome = {"ok": True, "value": work(request.scope)}
        except (NotJson, TooLong) as error:
            outcome = {"ok": False, "error": self._reports.failed(str(error))}
        except BaseException as error:
            full = isinstance(error, MemoryError)
            outcome = {"ok": False, "error": self._reports.of(error)}
            error.__traceback__ = None
        ended = None if request.kind == "listen" and request.ending == "cancelled" else self._ending(request)
        self._close(request, outcome if ended is None else {"ok": False, "error": ended})
        request.worked = True
        if full:
            end("the plugin used more than its memory")

    def _end_soon(self, request, ending):
        """Gives plugin code a moment to stop by itself."""
        with self._lock:
            if self._open.get(request.id) is not request or request.ending is not None:
                return
            request.ending = ending
        request.scope.abort("the hub cancelled it")
        self._alarms.after(_GRACE_MS, self._give_up, request)

    def _give_up(self, request):
        answered = not self._close(request, {"ok": False, "error": self._ending(request)})
        if request.ending == "timed-out" and not answered:
            end("plugin code went on after its deadline")
        self._alarms.after(_ABANDONED_MS, self._end_abandoned, request)

    def _end_abandoned(self, request):
        if not request.worked:
            end("plugin code went on after it was cancelled")

    def _ending(self, request):
        if request.ending is None:
            return None
        if request.ending == "timed-out":
            return self._reports.made("STEP_TIMED_OUT", timeoutMs=request.deadline_ms)
        return self._reports.made("STEP_CANCELLED", reason="the hub cancelled it")

    def _close(self, request, outcome):
        """Sends the one reply; False when it was sent before."""
        with self._lock:
            if self._open.pop(request.id, None) is None:
                return False
        self._alarms.clear(request.alarm)
        request.scope.abort("it has ended")
        reply = {"t": "reply", "id": request.id}
        try:
            self._channel.send({**reply, **outcome})
        except TooLong as error:
            self._channel.send({**reply, "ok": False, "error": self._reports.failed(str(error))})
        return True


def end(why):
    """Ends the process; what was sent has left."""
    try:
        sys.stdout.flush()
        sys.stderr.write(f"{why}\n")
        sys.stderr.flush()
    finally:
        os._exit(1)
