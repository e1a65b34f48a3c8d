"""Threads beside the one in which Qt's objects live.

Python collects garbage in whichever thread happens to allocate, and what an earlier test has left of a window must not
die in another thread than its own: Qt crashes. So nothing is collected while such a thread runs.
"""

from __future__ import annotations

import gc

_running = 0


def begin() -> None:
    """Another thread is about to run. Called in the main thread."""
    global _running
    if not _running:
        gc.collect()
        gc.disable()
    _running += 1


def end() -> None:
    """It has ended."""
    global _running
    _running -= 1
    if not _running:
        gc.enable()
