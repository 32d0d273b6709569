"""Threads for requests, used again while there are requests for them."""

import queue
import threading

_IDLE_SECONDS = 10


class Workers:
    def __init__(self):
        self._lock = threading.Lock()
        self._idle = 0
        self._work = queue.SimpleQueue()

    def do(self, name, work, *args):
        """Has a thread call `work`. Raises RuntimeError or MemoryError when none can be started."""
        with self._lock:
            waiting = self._idle > 0
            self._idle -= waiting
        if waiting:
            self._work.put((name, work, args))
        else:
            threading.Thread(target=self._live, args=(name, work, args), name=name, daemon=True).start()

    def _live(self, name, work, args):
        while True:
            threading.current_thread().name = name
            work(*args)
            with self._lock:
                self._idle += 1
            try:
                name, work, args = self._work.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._idle > 0:
                        self._idle -= 1
                        return
                # Work is on its way: it was promised to a thread that waits.
                name, work, args = self._work.get()
