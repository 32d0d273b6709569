"""The host's side of the wire: not for plugin code."""
