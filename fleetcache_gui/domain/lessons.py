"""Drills as a window sees them: what they teach, how far they are, what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found on the server after a step, with its numbers, and whether it is what the lesson claims."""

    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Lesson:
    """One drill in words. `captions` are its steps, told before they are done. `watch` is the id of the family whose
    tab shows it, empty for the overview."""

    name: str
    title: str
    happens: str
    watch_for: str
    fleet: str
    captions: tuple[str, ...]
    watch: str = ""
    cluster: bool = False


class Teacher(Protocol):
    """Who gives the drills, on a server that it has started itself."""

    @property
    def lessons(self) -> Sequence[Lesson]:
        """Those that can be given on this server."""
        ...

    async def is_own(self, run_id: str) -> bool:
        """Whether the server with this run id is one that we have started: asked of the server itself."""
        ...

    async def begin(self, name: str, *, seed: int, speed: float) -> None:
        """Send the simulated Fleet away, empty the server, and stand before the first step."""
        ...

    async def step(self) -> Sequence[Measured] | None:
        """Do the next step; None when there is none left. Raises `StepFailed`."""
        ...

    async def reset(self) -> None:
        """End the drill, and have the simulated Fleet back at work."""
        ...


class StepFailed(Exception):
    """A step could not be done; the text is a sentence."""
