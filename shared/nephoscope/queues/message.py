"""What is put on a queue for each scope, whichever provider's queue it is."""

from __future__ import annotations

import json

from nephoscope.model.scope import Scope


def render_message(scope: Scope, slot: int) -> str:
    return json.dumps({"scope": scope.key, "slot": slot}, separators=(",", ":"))


def parse_message(body: str) -> tuple[Scope, int]:
    """The scope and its slot. Raises ValueError for anything that `render_message` could not have written."""
    content = json.loads(body)
    if not isinstance(content, dict) or not isinstance(content.get("scope"), str):
        raise ValueError("a message holds a scope and a slot")
    slot = content.get("slot")
    if not isinstance(slot, int) or isinstance(slot, bool) or slot < 0:
        raise ValueError("a slot is in seconds since the epoch")
    return Scope.from_key(content["scope"]), slot
