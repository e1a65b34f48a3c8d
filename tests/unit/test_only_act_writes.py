"""What changes a server lies in `redis_io.act` alone. (The library of the cache and the simulated Fleet write too, as
Fleet does, and nothing of the inspector itself imports them.)"""

from __future__ import annotations

import ast
import functools
import re
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.redis_io import allow
from fleetcache_gui.redis_io.act import hands
from tests.unit.test_house import PACKAGE, sources
from tests.writes import WAYS_TO_WRITE

if TYPE_CHECKING:
    from pathlib import Path

ACT = PACKAGE / "redis_io" / "act"
FLEETS = (PACKAGE / "cache", PACKAGE / "demo")
_WORD = re.compile(rb"[A-Za-z_-]+")


def inspectors() -> list[Path]:
    """The inspector's own modules, without those that write."""
    return [path for path in sources(PACKAGE) if not any(path.is_relative_to(folder) for folder in (ACT, *FLEETS))]


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def said(path: Path) -> list[bytes]:
    """The texts in bytes: only such can be sent."""
    return [node.value for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, bytes)]


def named(path: Path) -> set[str]:
    """Every name and attribute that a module uses."""
    found = {node.id for node in nodes(path) if isinstance(node, ast.Name)}
    return found | {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_no_command_that_writes_is_named_elsewhere() -> None:
    found = [
        (path.name, text)
        for path in inspectors()
        for text in said(path)
        if any(word.upper().decode() in WAYS_TO_WRITE - {"CONFIG"} for word in _WORD.findall(text))
    ]
    assert found == []


def test_text_that_names_one_is_for_people() -> None:
    """A plan shows its steps as a user of Redis would write them."""
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in inspectors()
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in WAYS_TO_WRITE
    }
    assert found == {"domain/plan.py"}
    assert not any(name.endswith("encode") for name in named(PACKAGE / "domain" / "plan.py"))


def test_nothing_goes_past_the_list_of_reads() -> None:
    def callers(*names: str) -> set[str]:
        return {
            path.name
            for path in sources(PACKAGE / "redis_io")
            for node in nodes(path)
            if isinstance(node, ast.Attribute) and node.attr in names
        }

    # A sweep's templates, to each node; the greeting, step by step; the one question to a sentinel.
    assert callers("raw") == {"lane.py", "keyspace.py", "sweep.py", "check.py", "sentinel.py"}
    assert callers("scanners") == {"sweep.py", "layouts.py"}
    assert callers("_send", "_write") >= {"lane.py", "hands.py"}
    assert callers("allows") == {"lane.py", "hands.py"}
    others = [path for path in sources(PACKAGE) if not path.is_relative_to(PACKAGE / "redis_io")]
    calls = [(path.name, node.func) for path in others for node in nodes(path) if isinstance(node, ast.Call)]
    past = {"raw", "scanners"}
    assert [name for name, func in calls if isinstance(func, ast.Attribute) and func.attr in past] == []


def test_lanes_that_may_write_are_made_in_one_place() -> None:
    users = {path.relative_to(PACKAGE).as_posix() for path in sources(PACKAGE) if "WriteLane" in named(path)}
    assert users == {"redis_io/act/hands.py"}
    subclasses = {
        node.name
        for path in sources(PACKAGE)
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Lane") for base in node.bases)
    }
    assert subclasses == {"WriteLane"}


def test_no_other_client_is_made() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in inspectors()
        if any(name.partition(".")[0] == "redis" for name in imports(path))
    }
    assert users == set()
    assert all(not any(name.partition(".")[0] == "redis" for name in imports(path)) for path in sources(ACT))


def test_what_writes_is_reached_by_deeds_alone() -> None:
    users = {path.name for path in inspectors() if any("redis_io.act" in name for name in imports(path))}
    assert users == {"deeds.py"}


def test_the_simulated_fleet_is_no_part_of_the_inspector() -> None:
    inner = [PACKAGE / name for name in ("session.py", "deeds.py")]
    inner += [path for name in ("ui", "present", "redis_io", "families", "domain") for path in sources(PACKAGE / name)]
    fleets = ("fleetcache_gui.cache", "fleetcache_gui.demo")
    assert [path.name for path in inner if any(name.startswith(fleets) for name in imports(path))] == []


def test_the_two_lists_do_not_overlap() -> None:
    found = {name: words for name, words in allow.READS.items() if name.decode() in WAYS_TO_WRITE}
    assert found in ({}, {b"CONFIG": {b"GET"}})
    for name in allow.READS.keys() & hands.WRITES.keys():
        assert not allow.READS[name] & hands.WRITES[name]


@pytest.mark.parametrize("name", sorted(hands.WRITES), ids=lambda name: name.decode())
def test_every_entry_of_the_list_of_writes_is_needed(name: bytes) -> None:
    users = [*sources(ACT), *(path for path in sources(PACKAGE / "redis_io") if path.name.startswith("survey"))]
    texts = [text for path in users for text in said(path)]
    listed = 1 + (name in hands.probes._HARMLESS)  # the list itself, and what an account is asked about
    assert texts.count(name) > listed
    for word in hands.WRITES[name]:
        assert texts.count(word) > 1, f"{name!r} {word!r}"


@pytest.mark.parametrize(
    "command",
    [
        (b"DEL", b"k"), (b"UNLINK", b"k"), (b"SET", b"k", b"v"), (b"FLUSHALL",), (b"FLUSHDB",), (b"FLUSHDB", b"SYNC"),
        (b"RESTORE", b"k", b"0", b"x", b"REPLACE"), (b"RESTORE", b"k", b"0", b"x", b"ABSTTL", b"REPLACE"),
        (b"CLIENT", b"KILL", b"TYPE", b"normal"), (b"CLIENT", b"KILL"), (b"CLIENT", b"PAUSE", b"1"), (b"CLIENT",),
        (b"ACL", b"SETUSER", b"x"), (b"ACL",), (b"COMMAND",), (b"CONFIG", b"SET", b"a", b"b"), (b"XINFO",),
        (b"MULTI",), (b"EXEC",), (b"SCRIPT", b"FLUSH"), (b"FCALL", b"f", b"0"), (b"DEBUG", b"SLEEP", b"1"),
        (b"eval", b"x"), (b"",), (b"SELECT", b"1"), (b"KEYS", b"*"), (b"SHUTDOWN",), (b"REPLICAOF", b"NO", b"ONE"),
    ],
    ids=lambda command: b" ".join(command).decode(),
)  # fmt: skip
def test_what_a_lane_that_writes_does_not_send(command: tuple[bytes, ...]) -> None:
    with pytest.raises(allow.NotAllowed) as refused:
        hands.check(command)
    assert b"k" not in str(refused.value).encode().split(b"command")[-1]


@pytest.mark.parametrize(
    "command",
    [
        (b"EVAL", b"x", b"0"), (b"DELIFEQ", b"k", b"v"), (b"FLUSHDB", b"ASYNC"), (b"GETRANGE", b"k", b"0", b"1"),
        (b"RESTORE", b"k", b"0", b"REPLACE", b"ABSTTL"), (b"RESTORE", b"REPLACE", b"0", b"x"),
        (b"CLIENT", b"KILL", b"ID", b"3"), (b"CLIENT", b"NO-TOUCH", b"ON"), (b"CLUSTER", b"MYID"), (b"ACL", b"WHOAMI"),
    ],
    ids=lambda command: b" ".join(command).decode(),
)  # fmt: skip
def test_what_it_does_send(command: tuple[bytes, ...]) -> None:
    hands.check(command)
