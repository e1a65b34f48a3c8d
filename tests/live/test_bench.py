"""The benchmark still runs, and what it measures is the whole population. Its timings are nobody's condition."""

from __future__ import annotations

import dataclasses
import io
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import redis
from rich.console import Console

from fleetcache_gui.families.spec import SPEC
from tests.bench import contenders, process, tables
from tests.bench.population import Population, populate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

POPULATION = Population(3000)


@pytest.fixture
def populated(valkey: Server) -> Server:
    populate(valkey, POPULATION)
    return valkey


def keys(server: Server) -> dict[bytes, object]:
    """Every key with its content."""
    with redis.Redis(port=server.port) as client:
        return {key: client.dump(key) for key in client.scan_iter(count=1000)}


def test_the_population_has_every_family_and_is_the_same_each_time(populated: Server) -> None:
    found = keys(populated)
    families = Counter(SPEC.families[SPEC.router(key)].id for key in found)
    assert len(found) == POPULATION.keys
    assert families == {
        "live_queries": 2 * POPULATION.campaigns + 1,
        "locks": POPULATION.locks,
        "host_queue": 1,
        "preassign": POPULATION.preassignments,
        "installer_tokens": POPULATION.tokens,
        "rate_limits": POPULATION.limits,
        "config_cache": POPULATION.teams + 1,
    }
    assert populated.call("LLEN", "async_host:detail") == POPULATION.queued
    assert populated.call("SCARD", "live_query:campaign:1:hosts_completed") == POPULATION.hosts(1)
    populate(populated, POPULATION)
    assert keys(populated) == found


def test_the_program_is_measured_to_its_end(populated: Server, tmp_path: Path) -> None:
    results = tables.Results({"server": populated.name})
    entrants = (
        contenders.Contender(contenders.HEADLESS, lambda server: process.measure("inventory", server.port)),
        contenders.Contender(
            contenders.WINDOW, lambda server: process.measure("window", server.port, contenders.FAMILY)
        ),
    )
    results.reading[POPULATION.keys] = {
        entrant.name: [contenders.run(entrant, populated, POPULATION.keys)] for entrant in entrants
    }
    assert results.middle(POPULATION.keys, contenders.WINDOW, "rows") == POPULATION.tokens
    results.bare = [process.measure("minimal")]
    results.start = [process.measure("startup", populated.url, XDG_CONFIG_HOME=str(tmp_path))]
    assert results.start[0]["spawned"] < results.start[0]["painted"] <= results.start[0]["rows"]
    drawn = io.StringIO()
    console = Console(file=drawn, width=180)
    for _, table in tables.tables(results):
        console.print(table)
    assert contenders.WINDOW in drawn.getvalue()
    assert "not measured" in drawn.getvalue()  # the floor: nothing was compiled here
    assert json.loads(json.dumps(dataclasses.asdict(results)))["machine"] == {"server": populated.name}
