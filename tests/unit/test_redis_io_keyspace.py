"""Which key a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.values import FOREVER, KeyFact
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.keyspace import key_of

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Family


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ((b"TYPE", b"a"), b"a"),
        ((b"GETRANGE", b"a", b"0", b"1"), b"a"),
        ((b"MEMORY", b"USAGE", b"a"), b"a"),
        ((b"OBJECT", b"ENCODING", b"a"), b"a"),
        ((b"XINFO", b"GROUPS", b"a"), b"a"),
    ],
)
def test_the_key_of_a_command(command: tuple[bytes, ...], key: bytes) -> None:
    assert key_of(command) == key


@pytest.mark.parametrize("family", SPEC.families, ids=lambda family: family.id)
@pytest.mark.parametrize("word", ["string", "list", "set", "zset", "hash", "stream"])
def test_whatever_a_family_asks_is_about_a_key_of_its_row(family: Family, word: str) -> None:
    for row in (b"7", *(prefix + b"x" for prefix in family.prefixes), *family.fixed):
        names = family.keys_of(row)
        keys = tuple(KeyFact(name, word, FOREVER) for name in names)
        for command in family.probes(row, keys):
            assert key_of(command) in names
