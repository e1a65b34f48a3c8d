"""How many bits of a long bitmap are set: counted a slice at each reading, so that none of them is costly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleetcache_gui.domain.values import Command

SLICE = 256 * 1024
"""Bytes that are counted at each reading: 60 us of the slowest server's time."""


@dataclass(frozen=True, slots=True)
class BitCount:
    """What is known of a bitmap of `length` bytes: the bits that are set in each slice, None where not counted yet;
    `following` is the slice to count next."""

    length: int
    slices: tuple[int | None, ...]
    following: int = 0

    @classmethod
    def unknown(cls, length: int) -> BitCount:
        """Nothing is counted yet; of an empty bitmap there is nothing to count."""
        return cls(length, (None,) * -(-length // SLICE))

    @property
    def total(self) -> int | None:
        """Bits that are set; None until every slice was counted."""
        known = [count for count in self.slices if count is not None]
        return sum(known) if len(known) == len(self.slices) else None

    def command(self, key: bytes) -> Command:
        """What counts the next slice."""
        first = self.following * SLICE
        return (b"BITCOUNT", key, b"%d" % first, b"%d" % (min(first + SLICE, self.length) - 1))

    def counted(self, bits: int | None) -> BitCount:
        """With the next slice's count; the one after it follows. Where there was no answer, nothing is changed."""
        if bits is None or not self.slices:
            return self
        at = self.following
        slices = (*self.slices[:at], max(bits, 0), *self.slices[at + 1 :])
        return replace(self, slices=slices, following=(at + 1) % len(slices))
