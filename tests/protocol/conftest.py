"""The model's own modules stand beside its tests; the delivery world stands with the other tests' worlds."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
