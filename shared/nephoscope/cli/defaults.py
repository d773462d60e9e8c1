"""What a call means where it says nothing, and how it ends. Imports nothing: completion in a shell needs it at once."""

from __future__ import annotations

DEFAULT_CONFIG = "nephoscope.yaml"
DEFAULT_STORE = "nephoscope.sqlite"
"""Where runs from a person's machine remember, unless a deployment's table is named."""

WELL, FAILED, WRONG = 0, 1, 2
"""Exit codes: well; something could not be read or delivered; the call or the configuration is wrong."""
