"""Every key of a server in columns: about 85 bytes a key, however many keys there are.

Objects would cost four times as much and would make the garbage collector stall the window (measured at a million
keys). Names lie in one blob, found again through an open-addressing hash index of row numbers.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TYPES = ("?", "string", "list", "set", "zset", "hash", "stream")
"""Type words by the code kept in `KeyStore.types`; a module's type is kept as ``?``."""
TYPE_CODES = {name.encode(): code for code, name in enumerate(TYPES)}

GONE = 255
"""Family code of a row whose key no longer exists."""

NO_EXPIRY = -1
"""Deadline of a key without TTL."""


class KeyStore:
    """Rows by number: name, family code, type code, deadline (monotonic ms, `NO_EXPIRY` for none).

    Row numbers stay valid until `compacted` makes a new store. Not thread-safe; one loop owns it.
    """

    def __init__(self, expected: int = 0) -> None:
        self.families = bytearray()
        self.types = bytearray()
        self.deadlines = array("q")
        self._blob = bytearray()
        self._ends = array("Q")
        self._sweeps = bytearray()
        self._slots = array("I")
        self._mask = 0
        self._sweep = 0
        self.dead = 0
        self._grow(max(expected, 512))

    def __len__(self) -> int:
        """Rows, the dead ones included."""
        return len(self.families)

    @property
    def alive(self) -> int:
        """Keys that exist as far as is known."""
        return len(self.families) - self.dead

    def name(self, row: int) -> bytes:
        """The key's bytes."""
        start = self._ends[row - 1] if row else 0
        return bytes(self._blob[start : self._ends[row]])

    def find(self, name: bytes) -> int:
        """The row number of a key that is alive, or -1."""
        row = self._locate(name)
        return row if row >= 0 and self.families[row] != GONE else -1

    def reserve(self, keys: int) -> None:
        """Make room in the index for `keys` before a sweep: growing it in one later would hold up the loop (0.3 s)."""
        if keys * 3 > self._mask * 2:
            self._grow(keys)

    def begin_sweep(self) -> None:
        """From now on `note` marks what this sweep has seen, so that `missed` can name what it has not."""
        self._sweep ^= 1

    def note(self, name: bytes, family: int, type_code: int, deadline: int) -> int:
        """Keep what was read of a key; its row number when it is new (or was gone and is back), -1 when known."""
        mask = self._mask
        slots, ends, blob = self._slots, self._ends, self._blob
        slot = hash(name) & mask
        size = len(name)
        while found := slots[slot]:
            row = found - 1
            end = ends[row]
            start = ends[row - 1] if row else 0
            if end - start == size and blob[start:end] == name:
                back = self.families[row] == GONE
                if back:
                    self.dead -= 1
                self.families[row] = family
                self.types[row] = type_code
                self.deadlines[row] = deadline
                self._sweeps[row] = self._sweep
                return row if back else -1
            slot = (slot + 1) & mask
        slots[slot] = len(ends) + 1
        blob += name
        ends.append(len(blob))
        self.families.append(family)
        self.types.append(type_code)
        self.deadlines.append(deadline)
        self._sweeps.append(self._sweep)
        if len(ends) * 3 > mask * 2:
            self._grow(len(ends) * 2)
        return len(ends) - 1

    def remove(self, row: int) -> None:
        """The key is known to be gone."""
        if self.families[row] != GONE:
            self.families[row] = GONE
            self.dead += 1

    def missed(self, rows: range) -> list[int]:
        """Living rows within `rows` that the sweep now ending has not seen: their keys are gone."""
        sweeps, families, now = self._sweeps, self.families, self._sweep
        return [row for row in rows if sweeps[row] != now and families[row] != GONE]

    def members(self, family: int) -> Iterator[int]:
        """Row numbers of one family, in the order of discovery."""
        families = self.families
        row = families.find(family)
        while row >= 0:
            yield row
            row = families.find(family, row + 1)

    def search(self, needle: bytes, rows: Sequence[int]) -> list[int]:
        """Those of `rows` whose name holds `needle`, compared without regard to ASCII case."""
        needle = needle.lower()
        return [row for row in rows if needle in self.name(row).lower()]

    def _locate(self, name: bytes) -> int:
        mask, slots, ends, blob = self._mask, self._slots, self._ends, self._blob
        slot = hash(name) & mask
        while found := slots[slot]:
            row = found - 1
            if blob[ends[row - 1] if row else 0 : ends[row]] == name:
                return row
            slot = (slot + 1) & mask
        return -1

    def _grow(self, keys: int) -> None:
        size = 1 << max(keys * 2 - 1, 1).bit_length()
        slots = array("I", bytes(4 * size))
        mask = size - 1
        for row in range(len(self._ends)):
            slot = hash(self.name(row)) & mask
            while slots[slot]:
                slot = (slot + 1) & mask
            slots[slot] = row + 1
        self._slots, self._mask = slots, mask
