"""What plugin code gets to reach the world with: a context, for as long as its request is open."""

import os
import re
import threading
import time

from runtime_hub.errors import Cancelled, HubError

from .calls import Signal

_BLOB_ID = re.compile(r"[0-9a-f]{32}")
_LEVELS = ("debug", "info", "warn", "error")
_LINES_PER_SECOND = 100
_CHARACTERS_PER_SECOND = 65_536
_MAX_TEXT = 8192
_CONTROLS = {code: " " for code in (*range(0x20), *range(0x7F, 0xA0))}


class Scope:
    """One request of the hub as plugin code sees it; ends all that waits within it when it is cancelled."""

    def __init__(self, id, calls):
        self.id = id
        self._calls = calls
        self._lock = threading.Lock()
        self._sleeping = set()
        self._error = None

    @property
    def aborted(self):
        return self._error is not None

    def check(self):
        if self._error is not None:
            raise Cancelled(self._error)

    def call(self, node, capability, operation, args):
        self.check()
        use = {"capability": capability, "operation": operation, "args": args}
        return self._calls.call(self, node, use)

    def wait(self, signal, seconds):
        """Waits until the signal is told, `seconds` have passed (False) or the scope ends (raises Cancelled)."""
        with self._lock:
            self.check()
            self._sleeping.add(signal)
        told = signal.wait(seconds)
        with self._lock:
            self._sleeping.discard(signal)
        self.check()
        return told

    def abort(self, reason):
        with self._lock:
            if self._error is not None:
                return
            self._error = reason
            sleeping, self._sleeping = self._sleeping, set()
        self._calls.drop(self, Cancelled(reason))
        for signal in sleeping:
            signal.tell(None)


class Context:
    """`run`, `workflow`, `node`, `attempt`, `idempotency_key` in a step; `workflow`, `node` in a trigger; `caller` when serving."""

    def __init__(self, scope, log, facts):
        self._scope = scope
        self.node = facts.get("node")
        for name, value in facts.items():
            setattr(self, name, value)
        self.log = _Log(scope, log)
        self.state = _State(self.call)
        self.blobs = _Blobs(self.call)

    @property
    def cancelled(self):
        """True once the step timed out, was cancelled or lost a grant it uses: long work looks at it now and then."""
        return self._scope.aborted

    def check(self):
        """Raises Cancelled once `cancelled` is true."""
        self._scope.check()

    def call(self, capability, operation, args=None):
        """Uses a capability. Raises HubError with a code of the contract, e.g. CAPABILITY_DENIED."""
        return self._scope.call(self.node, capability, operation, args)

    def sleep(self, milliseconds):
        """Waits; raises Cancelled when the step is cancelled meanwhile."""
        self._scope.wait(Signal(), max(0.0, min(float(milliseconds) / 1000, 86_400.0)))


class _State:
    def __init__(self, call):
        self._call = call

    def get(self, key):
        """The value kept under `key` for this plugin and workflow; None when there is none."""
        return self._call("state", "get", {"key": key})

    def set(self, key, value):
        """Keeps `value` (at most 64 KiB as JSON); None removes it."""
        self._call("state", "set", {"key": key, "value": value})

    def replace(self, key, expected, value):
        """Keeps `value` only when what is kept equals `expected`; gives {"replaced": bool, "before": value}."""
        return self._call("state", "replace", {"key": key, "expected": expected, "value": value})


class _Blobs:
    def __init__(self, call):
        self._call = call

    def read(self, handle):
        """The bytes of a blob. Raises BLOB_NOT_FOUND for one that was not shared with this plugin."""
        blob, folder = handle.get("$blob"), os.environ.get("HUB_BLOBS_IN")
        if folder is not None and isinstance(blob, str) and _BLOB_ID.fullmatch(blob):
            try:
                with open(os.path.join(folder, blob), "rb") as file:
                    return file.read()
            except OSError:
                pass
        raise HubError("BLOB_NOT_FOUND", f"There is no blob {blob} for this plugin", {"blob": str(blob)[:64]})

    def write(self, data, mime):
        """Keeps bytes; gives the handle that stands for them."""
        folder = os.environ.get("HUB_BLOBS_OUT")
        if folder is None:
            raise HubError("STEP_FAILED", "no blob folder")
        name = os.urandom(16).hex()
        with open(os.path.join(folder, name), "xb") as file:
            file.write(data)
        return self._call("blobs", "put", {"file": name, "mime": mime})


class _Log:
    def __init__(self, scope, log):
        for level in _LEVELS:
            setattr(self, level, lambda text, level=level: log(scope, level, text))


class LogLimit:
    """Lets a bounded amount of log through each second and drops the rest; takes control characters out."""

    def __init__(self):
        self._second = self._lines = self._characters = 0

    def pass_(self, text):
        """The text to send; None when it goes over the limit."""
        second = int(time.time())
        if second != self._second:
            self._second, self._lines, self._characters = second, 0, 0
        text = str(text)[:_MAX_TEXT]
        self._lines += 1
        self._characters += len(text)
        if self._lines > _LINES_PER_SECOND or self._characters > _CHARACTERS_PER_SECOND:
            return None
        return text.translate(_CONTROLS)
