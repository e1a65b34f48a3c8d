"""The clock by which everything here is dated: it runs on while the machine sleeps, and nobody can set it.

Python's own monotonic clock stands still in suspend on Linux and macOS. A plan made before a laptop's lid was closed
would be as fresh the next morning, the unlocked session still open, and every countdown a night behind.
"""

from __future__ import annotations

import sys
import time

_NAME = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, "")
_COUNTS_SLEEP: int | None = getattr(time, _NAME, None)
"""The system's clock that does; None where Python's own counts it (Windows)."""


def now() -> float:
    """Monotonic seconds, those of sleep counted."""
    return time.monotonic() if _COUNTS_SLEEP is None else time.clock_gettime(_COUNTS_SLEEP)
