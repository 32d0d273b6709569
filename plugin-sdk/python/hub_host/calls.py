"""Calls of plugin code that the hub has not answered yet."""

import threading

from runtime_hub.errors import HubError

from .values import TooLong, plain

MAX_OUTSTANDING = 256


class Signal:
    """Something one thread waits for and another tells; only the first telling counts."""

    def __init__(self):
        self._lock = threading.Lock()
        self._lock.acquire()
        self._once = threading.Lock()
        self.told = None

    def tell(self, what):
        if self._once.acquire(blocking=False):
            self.told = what
            self._lock.release()

    def wait(self, seconds=-1):
        """False when it was not told within `seconds`."""
        return self._lock.acquire(timeout=seconds)


class Calls:
    def __init__(self, channel, capabilities):
        self._channel = channel
        self._capabilities = frozenset(capabilities)
        self._lock = threading.Lock()
        self._waiting = {}
        self._last = 0
        self.plugin = ""

    def call(self, scope, node, use):
        """Asks the hub and waits for its answer. Raises the hub's error, or Cancelled."""
        if use["capability"] not in self._capabilities or len(use["operation"]) > 64:
            need = str(use["capability"])[:64]
            raise HubError("CAPABILITY_UNAVAILABLE", f"No installed plugin provides {need}", {"need": need})
        frame = {"t": "call", "within": scope.id, **use, "args": plain(use["args"], "args")}
        if node is not None:
            frame["node"] = node
        id, signal = self._open(scope)
        try:
            self._channel.send({**frame, "id": id})
        except TooLong:
            self._forget(id)
            raise
        signal.wait()
        answer = signal.told
        if isinstance(answer, BaseException):
            raise answer
        if answer["ok"]:
            return answer["value"]
        error = answer["error"]
        raise HubError(error["code"], error["message"], error["data"])

    def settle(self, id, answer):
        """Takes the hub's reply; one for a call that is no longer waited for is dropped."""
        found = self._forget(id)
        if found is not None:
            found[1].tell(answer)

    def drop(self, scope, error):
        """Ends every call of a scope and tells the hub that nobody waits for it."""
        with self._lock:
            dropped = [id for id, (owner, _) in self._waiting.items() if owner is scope]
        for id in dropped:
            found = self._forget(id)
            if found is not None:
                self._channel.send({"t": "cancel", "id": id})
                found[1].tell(error)

    def _open(self, scope):
        with self._lock:
            scope.check()
            if len(self._waiting) >= MAX_OUTSTANDING:
                limit = f"{MAX_OUTSTANDING} calls at once"
                data = {"plugin": self.plugin, "limit": limit}
                raise HubError("HOST_OVERLOADED", f"The plugin went over its limit of {limit}", data)
            self._last += 1
            signal = Signal()
            self._waiting[self._last] = (scope, signal)
            return self._last, signal

    def _forget(self, id):
        with self._lock:
            return self._waiting.pop(id, None)
