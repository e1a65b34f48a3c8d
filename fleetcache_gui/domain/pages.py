"""Values by page: never a whole collection, never more than 64 KB of a string."""

from __future__ import annotations

from dataclasses import dataclass

STRING_WINDOW = 64 * 1024
ITEMS = 100


@dataclass(frozen=True, slots=True)
class PageCursor:
    """Where the next page starts; made by the reader, opaque to everybody else."""

    token: bytes
    first: int


@dataclass(frozen=True, slots=True)
class PageItem:
    """One element. `label`: hash field, stream id, score or list position as bytes, empty for strings and sets.
    `cut` tells that the value was longer than what is kept of it."""

    label: bytes
    value: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a value. `total` counts elements, or bytes for a string; None where the server did not tell.

    `first` is the 0-based position of the first item (a running count where the type has no positions). `problem` is a
    sentence when nothing could be read.
    """

    key: bytes
    type: str
    items: tuple[PageItem, ...] = ()
    total: int | None = None
    first: int = 0
    next: PageCursor | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class KeyAbout:
    """What the server tells about a key; None for each thing that it does not tell or that may not be asked.

    `encoding`: Redis's word for how it keeps the value (``listpack``), fit to be shown. `memory`: bytes. Of a cluster:
    its `slot`, the address of the `node` that serves it (empty: none), and its hash `tag` (empty: none).
    """

    encoding: str | None = None
    memory: int | None = None
    slot: int | None = None
    node: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A row found by text, with what matched (safe to show)."""

    family: str
    row: bytes
    title: str
    text: str
