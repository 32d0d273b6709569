"""Errors that plugin code sees and raises."""


class HubError(Exception):
    """An error with a code of the hub's contract, e.g. CAPABILITY_DENIED; `data` is what the contract gives that code."""

    def __init__(self, code, message="", data=None):
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.data = data


class Cancelled(HubError):
    """Raised by everything a context offers once its step, trigger or operation was cancelled, or has ended."""

    def __init__(self, reason):
        super().__init__("STEP_CANCELLED", f"The step was cancelled: {reason}", {"reason": reason})
