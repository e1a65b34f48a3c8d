"""A layout: the families that belong together because a server names its keys that way.

One server may hold keys of several layouts: which ones is told from the names of keys, and all of them together are a
layout of their own, the union.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fleetcache_gui.domain.decoding import CELL, NAME
from fleetcache_gui.domain.text import mask, shorten, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fleetcache_gui.domain.family import Family, Judgement, Reading, Row
    from fleetcache_gui.domain.sizing import Part
    from fleetcache_gui.domain.snapshot import Vitals


@dataclass(frozen=True, slots=True)
class Layout:
    """`families` in the order of their tabs; the last one takes every key that no other claims.

    `parameters` are settings of the server that matter to this layout, read where that is permitted; `judge` is what
    is wrong with the server as seen from this layout.
    """

    id: str
    title: str
    families: tuple[Family, ...]
    parameters: tuple[bytes, ...] = ()
    judge: Callable[[Vitals], tuple[Judgement, ...]] = lambda vitals: ()
    parts: tuple[Part, ...] = ()
    """What takes its memory, for sizing."""
    router: Callable[[bytes], int] = field(init=False, repr=False, compare=False)
    """Position of the family that a key belongs to; about 0.3 us a key."""

    def __post_init__(self) -> None:
        claims = [
            (prefix, position) for position, family in enumerate(self.families[:-1]) for prefix in family.prefixes
        ]
        # The longest prefix first: `mdm:apple:preassign:` must win over a family that claimed `mdm:`.
        claims.sort(key=lambda claim: -len(claim[0]))
        matches = re.compile(b"|".join(b"(" + re.escape(prefix) + b")" for prefix, _ in claims)).match
        positions = [position for _, position in claims]
        rest = len(self.families) - 1

        def route(key: bytes) -> int:
            found = matches(key)
            return positions[found.lastindex - 1] if found and found.lastindex else rest

        object.__setattr__(self, "router", route)

    @property
    def samples(self) -> tuple[bytes, ...]:
        """A name such as keys of each family would have, which none has: to try on what an account may do."""
        prefixes = (prefix for family in self.families for prefix in family.prefixes if prefix.endswith(b":"))
        return tuple(prefix + b"fleetcache-inspector" for prefix in prefixes)

    def family(self, family_id: str) -> Family:
        """The family of that id; KeyError when there is none."""
        for family in self.families:
            if family.id == family_id:
                return family
        raise KeyError(family_id)

    def claims(self, key: bytes) -> bool:
        """Whether a family other than the last takes the key."""
        return self.router(key) < len(self.families) - 1

    @property
    def known(self) -> tuple[bytes, ...]:
        """Keys that are known by name: what is asked for before anything is searched for."""
        names = {name for family in self.families for name in (family.index, *family.fixed) if name}
        return tuple(sorted(names))


def present(keys: Iterable[bytes], layouts: Sequence[Layout]) -> frozenset[str]:
    """The ids of those layouts that have keys among these."""
    missing = list(layouts)
    for key in keys:
        missing = [layout for layout in missing if not layout.claims(key)]
        if not missing:
            break
    return frozenset(layout.id for layout in layouts if layout not in missing)


def together(*layouts: Layout) -> Layout:
    """All families of the layouts, under tabs that tell them apart; keys that none claims go where the last layout
    puts them."""
    families = [(layout, family) for layout in layouts for family in layout.families[:-1]]
    tabs = Counter(family.tab for _, family in families)
    titles = Counter(family.title for _, family in families)
    named = (
        replace(
            family,
            tab=f"{family.tab} ({layout.id})" if tabs[family.tab] > 1 else family.tab,
            title=f"{family.title} ({layout.id})" if titles[family.title] > 1 else family.title,
        )
        for layout, family in families
    )
    return Layout(
        "both",
        " and ".join(layout.title for layout in layouts),
        (*named, layouts[-1].families[-1]),
        tuple(dict.fromkeys(name for layout in layouts for name in layout.parameters)),
        lambda vitals: tuple(judgement for layout in layouts for judgement in layout.judge(vitals)),
        tuple(part for layout in layouts for part in layout.parts),
    )


def guarded(layout: Layout, others: Sequence[Layout]) -> Layout:
    """The layout, whose last family masks what would be a credential to one of the others: their keys stand there."""
    rest = layout.families[-1]

    def masked(key: bytes) -> str:
        for other in others:
            family = other.families[other.router(key)]
            if family.mask and other.claims(key):
                return family.mask(key)
        return rest.mask(key) if rest.mask else show(key)

    def decode(reading: Reading, before: Row | None) -> Row:
        row, shown, name = rest.decode(reading, before), masked(reading.id), show(reading.id)
        if row.reveal or shown == name:
            return row
        cells = tuple(shorten(shown, CELL) if isinstance(cell, str) and cell in name else cell for cell in row.cells)
        hidden = name[max(len(shown) - len(mask("x" * 9)), 0) :] if name.startswith(shown[:-1]) else name
        return replace(row, title=shorten(shown, NAME), cells=cells, reveal=hidden)

    last = replace(rest, decode=decode, mask=masked, secret=True)
    return replace(layout, families=(*layout.families[:-1], last))
