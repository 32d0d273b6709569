"""The host's end of file descriptor 3."""

import json
import os
import select
import threading

from .values import MAX_FRAME_BYTES, encode

_HUB_FD = 3
_READ_BYTES = 65_536


class Channel:
    """Frames in, read by one thread; frames out, from any thread."""

    def __init__(self):
        self._writing = threading.Lock()
        self._unread = bytearray()
        self._poll = select.poll()
        self._poll.register(_HUB_FD, select.POLLIN)

    def send(self, frame):
        """Sends one frame. Raises TooLong and leaves the channel as it was."""
        data = memoryview(encode(frame))
        with self._writing:
            while data:
                data = data[_write(data) :]

    def receive(self, seconds):
        """The frames that came within `seconds` (None: as long as it takes); ends the process when the hub has gone."""
        if not self._poll.poll(None if seconds is None else max(0, seconds) * 1000):
            return []
        try:
            data = os.read(_HUB_FD, _READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            os._exit(0)
        self._unread += data
        return list(self._frames())

    def _frames(self):
        at, unread = 0, self._unread
        while len(unread) - at >= 4:
            length = int.from_bytes(unread[at : at + 4], "little")
            if length > MAX_FRAME_BYTES:
                os._exit(0)
            if len(unread) - at < 4 + length:
                break
            yield json.loads(unread[at + 4 : at + 4 + length])
            at += 4 + length
        del unread[:at]


def _write(data):
    try:
        return os.write(_HUB_FD, data)
    except BlockingIOError:
        select.select([], [_HUB_FD], [])
        return 0
    except OSError:
        os._exit(0)
