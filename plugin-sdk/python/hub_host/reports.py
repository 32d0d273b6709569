"""Errors as they cross to the hub: {code, message, data, retryable}."""

import re

from runtime_hub.errors import HubError

from .values import NotJson, plain

#: Families of codes that plugin code may raise; any other code would speak for the hub.
_OWN_FAMILIES = re.compile(r"(STEP|SCREEN|CAPABILITY|BLOB|STATE|NET|FILE|PROCESS|SECRET)_")


class Reports:
    """Knows the contract's codes, and the plugin for errors that name it."""

    def __init__(self, codes):
        self._codes = codes
        self.plugin = ""
        self.limit_mb = 0

    def made(self, code, **data):
        """An error of the host's own; the hub makes its text from the data."""
        message = str(data.get("message", code))
        return {"code": code, "message": message, "data": data, "retryable": self._codes[code]}

    def failed(self, message):
        return self.made("STEP_FAILED", message=message[:4000])

    def of(self, error):
        """What plugin code raised; reading it may run plugin code."""
        if isinstance(error, MemoryError):
            return self.made("HOST_OUT_OF_MEMORY", plugin=self.plugin, limitMb=self.limit_mb)
        try:
            return self._coded(error) or self.failed(_text_of(error))
        except BaseException:
            return self.failed("raised something that cannot be read")

    def _coded(self, error):
        code = getattr(error, "code", None)
        if not isinstance(error, HubError) or type(code) is not str:
            return None
        if code == "STEP_FAILED" or code not in self._codes or not _OWN_FAMILIES.match(code):
            return self.failed(str(error))
        try:
            data = plain(error.data)
        except NotJson:
            data = None
        return {"code": code, "message": str(error)[:4000], "data": data, "retryable": self._codes[code]}


def _text_of(error):
    """What it says and where in the plugin it was raised."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    where, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "hub_host" not in file:
            where = f" ({file.rpartition('/')[2]}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{said[:3900]}{where}"
