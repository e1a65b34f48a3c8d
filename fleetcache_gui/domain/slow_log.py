"""Calls that the server found slow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlowCall:
    """`wall`: Unix seconds; `took`: seconds. `what` is its key where that is one of Fleet's, masked where it is a
    credential: arguments may hold anything, and are not shown. `client`: the name of the connection, or its address.
    `ours`: this program asked. All texts are safe to show."""

    node: str
    id: int
    wall: float
    took: float
    command: str
    what: str
    client: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class SlowLog:
    """The newest calls, newest first, and how many the log holds; `refused` says why it cannot be read; `read` is
    False until it was asked for."""

    calls: tuple[SlowCall, ...] = ()
    length: int = 0
    refused: str = ""
    read: bool = False
