"""The parts of a verb: for what it is offered, what must be decided first, and why it cannot be done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Scope(Enum):
    """What a verb is offered for."""

    ROWS = "rows"  # chosen rows, one or many
    ALL = "all"  # every row of the family that it fits, whatever is filtered
    FAMILY = "family"  # every key of the family


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person must decide first: one of `options` (label, value), or where there are none a text such as a number
    or an id, with `label` as its question and `start` filled in."""

    label: str
    options: tuple[tuple[str, str], ...] = ()
    start: str = ""
    check: Callable[[str], str] = lambda text: ""
    """What is wrong with a typed text, empty when nothing is."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a verb cannot be done to a row, as a sentence. `wait`: seconds after which it will have settled by itself."""

    text: str
    wait: float | None = None
