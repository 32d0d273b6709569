"""Alarms that the main thread rings between frames."""

import heapq
import itertools
import time


class Alarms:
    """Set and rung by the main thread; any thread may clear one."""

    def __init__(self):
        self._times = []
        self._rings = {}
        self._order = itertools.count(1)

    def after(self, milliseconds, ring, *args):
        """Gives the alarm's number, to clear it by."""
        alarm = next(self._order)
        if len(self._times) > 2 * len(self._rings) + 256:
            self._times = sorted(one for one in self._times if one[1] in self._rings)
        self._rings[alarm] = (ring, args)
        heapq.heappush(self._times, (time.monotonic() + milliseconds / 1000, alarm))
        return alarm

    def clear(self, alarm):
        self._rings.pop(alarm, None)

    def wait(self):
        """Seconds until the next alarm; None when none is set."""
        while self._times and self._times[0][1] not in self._rings:
            heapq.heappop(self._times)
        return self._times[0][0] - time.monotonic() if self._times else None

    def ring(self):
        while self._times and self._times[0][0] <= time.monotonic():
            _, alarm = heapq.heappop(self._times)
            ring, args = self._rings.pop(alarm, (None, ()))
            if ring is not None:
                ring(*args)
