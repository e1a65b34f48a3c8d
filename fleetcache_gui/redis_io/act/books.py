"""What is kept of deeds on this machine: the audit log, and the undo bin with its key from the keyring."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.redis_io.audit import AuditLog
from fleetcache_gui.redis_io.undo import USUAL, BinFailed, Limits, UndoBin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fleetcache_gui.domain.plan import Receipt
    from fleetcache_gui.redis_io.undo import Kept, Record, Saved


class NothingToKeep:
    """The undo of an undo is the deed itself: nothing of it is saved."""

    names: frozenset[bytes] = frozenset()

    async def save(self, items: Sequence[Saved]) -> None:
        return None

    async def finish(self) -> None:
        return None


class Books:
    """Both lie in `folder`; without a trusted keyring what could be undone stays in memory."""

    def __init__(self, folder: Path) -> None:
        self.audit = AuditLog(folder / "audit.jsonl")
        self._limits = USUAL
        self._folder = folder / "undo"
        self._bin: UndoBin | None = None

    @property
    def limits(self) -> Limits:
        """Of the undo bin."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        if self._bin is not None:
            self._bin.limits = limits

    async def bin(self) -> UndoBin:
        """The undo bin, opened at first use; what is over its time is removed."""
        if self._bin is None:
            from fleetcache_gui.redis_io import vault

            self._bin = UndoBin(self._folder, await vault.key(), self._limits)
            await self.wipe()
        return self._bin

    async def wipe(self) -> None:
        """Remove what is over its time."""
        if self._bin is not None:
            with contextlib.suppress(BinFailed):  # it is told when something is to be saved
                await self._bin.wipe_expired(time.time())

    async def entries(self) -> list[Kept]:
        """What can be put back, newest first. Raises `BinFailed`."""
        bin_ = await self.bin()
        await self.wipe()
        return [kept for kept in await bin_.entries() if kept.trouble or kept.keys > kept.put_back]

    async def close(self, receipt: Receipt, keeper: Record | NothingToKeep, undone: str | None) -> None:
        """Only what was really taken is offered to be put back, and only once. `undone`: the deed that this undid."""
        from fleetcache_gui.redis_io.act import saving, undoing

        bin_ = await self.bin()
        pairs = list(zip(receipt.plan.steps, receipt.outcomes, strict=True))
        with contextlib.suppress(BinFailed):  # then it is offered again, and refused where it exists
            await keeper.finish()
            if undone is not None:
                back = [undoing.name(step) for step, outcome in pairs if outcome is Outcome.DONE]
                if back:
                    await bin_.mark(undone, back)
            elif receipt.saved or Outcome.UNKNOWN in receipt.outcomes:
                taken = {saving.name(step) for step, met in pairs if met in (Outcome.DONE, Outcome.UNKNOWN)}
                if left := keeper.names - taken:
                    await bin_.mark(receipt.plan.id, left)
            else:
                await bin_.forget(receipt.plan.id)
