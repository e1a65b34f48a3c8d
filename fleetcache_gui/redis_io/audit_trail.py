"""The audit log as a window pages through it: newest first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fleetcache_gui.redis_io import audit_export
from fleetcache_gui.redis_io.audit import AuditFailed, AuditLog, Broken

if TYPE_CHECKING:
    from pathlib import Path

MOST = 20_000
"""Entries held at most, the newest ones; an export has all."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry, with `at` in Unix seconds."""

    seq: int
    at: float
    who: str
    host: str
    deed: str
    event: str
    facts: dict[str, Any]


class AuditTrail:
    """`broken`: where the log does not hold together, as a sentence; empty where it does, as far as was read last."""

    def __init__(self, log: AuditLog) -> None:
        self.broken = ""
        self._log = log
        self._lines: deque[Line] = deque(maxlen=MOST)

    async def entries(self, before: int | None, limit: int) -> list[Line]:
        """Newest first, `limit` at most, older than the entry of number `before`; None reads the log anew.

        Raises OSError where it cannot be read.
        """
        if before is None:
            await self._read()
        found = [line for line in reversed(self._lines) if before is None or line.seq < before]
        return found[:limit]

    async def _read(self) -> None:
        lines: deque[Line] = deque(maxlen=MOST)
        broken = ""
        try:
            async for item in self._log.read():
                if isinstance(item, Broken):
                    broken = broken or f"Line {item.line}: {item.text}"
                else:
                    at = datetime.fromisoformat(item.at).timestamp()
                    lines.append(Line(item.seq, at, item.who, item.host, item.deed, item.event, item.facts))
        except AuditFailed as failed:
            raise OSError(str(failed)) from None
        self._lines, self.broken = lines, broken

    async def export(self, path: Path) -> None:
        """Write all of it to `path`, whole or not at all: JSON where its name ends so, else CSV. Raises OSError."""
        try:
            await audit_export.export(self._log, path, "json" if path.suffix.lower() == ".json" else "csv")
        except AuditFailed as failed:
            raise OSError(str(failed)) from None
