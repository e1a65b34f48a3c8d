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

UNKNOWN_EXPIRY = -2
"""Deadline of a key of which the server does not say whether it has a TTL."""

_SPARE = 100_000
"""So many dead rows are never too many: about 8 MB."""


class KeyStore:
    """Rows by number: name, family code, type code, deadline (monotonic ms, or `NO_EXPIRY`, `UNKNOWN_EXPIRY`).

    Row numbers stay valid for as long as the store lives, so it never shrinks: a key that is gone keeps its row, and
    has it again when it comes back. Whoever owns a `worn` store does well to begin a new one. Not thread-safe; one loop
    owns it.
    """

    def __init__(self, expected: int = 0) -> None:
        self.families = bytearray()
        self.types = bytearray()
        self.deadlines = array("q")
        self._blob = bytearray()
        self._offsets = array("Q", [0])
        """Row `n` is named by the blob's bytes from offset `n` to offset `n + 1`."""
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

    @property
    def worn(self) -> bool:
        """True when most of its bytes are spent on keys that are gone."""
        return self.dead > 2 * self.alive + _SPARE

    def name(self, row: int) -> bytes:
        """The key's bytes."""
        return bytes(self._blob[self._offsets[row] : self._offsets[row + 1]])

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
        """Keep what was read of one key; as `note_all`."""
        return self.note_all((name,), (family,), (type_code,), (deadline,))[0]

    def note_all(
        self, names: Sequence[bytes], families: Sequence[int], type_codes: Sequence[int], deadlines: Sequence[int]
    ) -> list[int]:
        """Keep what was read of some keys: the row number of each that is new (or was gone and is back), and
        ``~row`` of each that was known."""
        self.reserve(len(self.families) + len(names))
        mask, slots, offsets, blob = self._mask, self._slots, self._offsets, self._blob
        row_families, row_types, row_deadlines, sweeps = self.families, self.types, self.deadlines, self._sweeps
        sweep = self._sweep
        rows: list[int] = []
        for name, family, type_code, deadline in zip(names, families, type_codes, deadlines, strict=True):
            slot = hash(name) & mask
            while found := slots[slot]:
                row = found - 1
                if blob[offsets[row] : offsets[found]] == name:
                    break
                slot = (slot + 1) & mask
            else:
                blob += name
                rows.append(len(row_families))
                offsets.append(len(blob))
                row_families.append(family)
                row_types.append(type_code)
                row_deadlines.append(deadline)
                sweeps.append(sweep)
                slots[slot] = len(row_families)
                continue
            if row_families[row] == GONE:
                self.dead -= 1
                rows.append(row)
            else:
                rows.append(~row)
            row_families[row] = family
            row_types[row] = type_code
            row_deadlines[row] = deadline
            sweeps[row] = sweep
        return rows

    def keep(self, row: int) -> None:
        """The key cannot be asked for: to this sweep it is there."""
        self._sweeps[row] = self._sweep

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
        mask, slots, offsets, blob = self._mask, self._slots, self._offsets, self._blob
        slot = hash(name) & mask
        while found := slots[slot]:
            if blob[offsets[found - 1] : offsets[found]] == name:
                return found - 1
            slot = (slot + 1) & mask
        return -1

    def _grow(self, keys: int) -> None:
        size = 1 << max(keys * 2 - 1, 1).bit_length()
        slots = array("I", bytes(4 * size))
        mask = size - 1
        for row in range(len(self.families)):
            slot = hash(self.name(row)) & mask
            while slots[slot]:
                slot = (slot + 1) & mask
            slots[slot] = row + 1
        self._slots, self._mask = slots, mask
