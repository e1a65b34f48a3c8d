"""A layout: the families that belong together because a server names its keys that way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetcache_gui.domain.family import Family


@dataclass(frozen=True, slots=True)
class Layout:
    """`families` in the order of their tabs; the last one takes every key that no other claims."""

    id: str
    title: str
    families: tuple[Family, ...]
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
