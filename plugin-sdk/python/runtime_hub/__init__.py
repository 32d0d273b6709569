"""What a plugin written in Python is made with.

    from runtime_hub import node, plugin

    plugin(id="acme/words", version="1.0.0", title="Words", description="Counts words.", engine="^1.0.0")

    @node(title="Count words", effect="pure")
    def count(text: str, *, separator: str = " ") -> {"count": int}:
        return {"count": len(text.split(separator))}

A node's function names what it wants: `context`, `step` for everything at once, keyword-only parameters for its
config, all others for its inputs. Schemas follow from the hints, or are given to the decorator as JSON Schema.
"""

from .define import node, operation, plugin, trigger
from .errors import Cancelled, HubError
from .hints import BLOB

__all__ = ["BLOB", "Cancelled", "HubError", "node", "operation", "plugin", "trigger"]
