"""`fleetcache-gui snapshot`: the same reading as the window's, once, as JSON or as a summary.

Rows are written as they are read, a batch at a time. What grows with the server is the inventory: 85 bytes a key.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import click

from fleetcache_gui import clock
from fleetcache_gui.cli.told import Failure
from fleetcache_gui.domain.family import Expected, Family, Judgement, Kind, Row, Severity
from fleetcache_gui.domain.layout import present
from fleetcache_gui.domain.server_health import judge, other_layout
from fleetcache_gui.domain.store import KeyStore
from fleetcache_gui.domain.text import mask, show
from fleetcache_gui.domain.thresholds import USUAL, Thresholds
from fleetcache_gui.domain.values import Cell, Expiry, Progress, State
from fleetcache_gui.domain.words import count, missing_words
from fleetcache_gui.families.layouts import elsewhere
from fleetcache_gui.redis_io import rows
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.keyspace import Keyspace
from fleetcache_gui.redis_io.sweep import Sweeper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.snapshot import Missing, NodeVitals
    from fleetcache_gui.redis_io.address import Address

SCHEMA = "fleetcache-snapshot/1"
"""Name and version of the JSON schema; the number grows when a field changes its meaning or goes."""

FINDINGS_LISTED = 1000

_KEPT = 2000
"""Rows of a family that are judged together, as in the window."""

_SWEEPS = 3
"""So often a cluster is looked through at most, should slots move meanwhile."""

_SKIPPED = frozenset({Kind.AGE, Kind.TREND})
"""Kinds that need a history, which one reading has not."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The layout to read, and the options of the command."""

    layout: Layout
    as_json: bool
    families: tuple[str, ...]
    reveal: bool
    fail_on: str | None
    expected: Expected
    replicas: bool
    thresholds: Thresholds = USUAL


@dataclass(slots=True)
class _Tally:
    """What one family came to."""

    rows: int = 0
    states: Counter[str] = field(default_factory=Counter)
    findings: list[Judgement] = field(default_factory=list)
    omitted: int = 0
    worst: int = -1
    kept: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows += 1
        self.states[row.state.word] += 1
        self.note(row.judgements)

    def note(self, judgements: Iterable[Judgement]) -> None:
        for judgement in judgements:
            self.worst = max(self.worst, judgement.severity.rank)
            if len(self.findings) < FINDINGS_LISTED:
                self.findings.append(judgement)
            else:
                self.omitted += 1


def run(address: Address, wanted: Wanted) -> int:
    """Read and print; the exit code."""
    families = _chosen(wanted.layout, wanted.families)
    try:
        return asyncio.run(_run(address, wanted, families))
    except Trouble as trouble:
        raise Failure(f"{trouble.text} {trouble.advice}") from None
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has enough; Python would complain at exit
        return 0
    except OSError as error:
        reason = error.strerror
        with contextlib.suppress(OSError):
            sys.stdout.close()  # else Python would try to write the rest at exit, and complain
        raise Failure(f"The output could not be written: {reason}.") from None


def _chosen(layout: Layout, ids: tuple[str, ...]) -> tuple[Family, ...]:
    known = {family.id: family for family in layout.families}
    for family_id in ids:
        if family_id not in known:
            raise Failure(f"There is no family {family_id!r}. There are: {', '.join(known)}.")
    return tuple(family for family in layout.families if not ids or family.id in ids)


async def _run(address: Address, wanted: Wanted, families: tuple[Family, ...]) -> int:
    keyspace = await Keyspace.connect(address, replicas=wanted.replicas)
    try:
        taken = datetime.fromtimestamp(keyspace.wall(clock.now()), UTC)
        store = KeyStore(keyspace.room)
        sweeper = Sweeper(keyspace, wanted.layout, store)
        await keyspace.learn(wanted.layout.parameters)
        for _ in range(_SWEEPS):
            async for _ in sweeper.sweep():
                pass
            if sweeper.steady:
                break
        out = _Printer(sys.stdout, keyspace, wanted, taken) if wanted.as_json else _Summary(sys.stdout, keyspace, taken)
        judged = (
            *judge([keyspace.vitals], wanted.thresholds),
            *wanted.layout.judge(keyspace.vitals),
            *other_layout(_elsewhere(store, wanted)),
        )
        out.begin(judged)
        worst = max((judgement.severity.rank for judgement in judged), default=-1)
        for family in families:
            tally = _Tally()
            out.family(family)
            async for read in _rows(keyspace, store, family, wanted):
                row = _unmasked(read) if wanted.reveal and read.reveal else read
                tally.add(row)
                if family.surveyed and (len(tally.kept) < _KEPT or row.id in family.fixed):
                    tally.kept.append(row)
                out.row(family, row)
            tally.note(family.survey(tuple(tally.kept), tally.rows, wanted.expected))
            out.end_family(family, tally)
            worst = max(worst, tally.worst)
        out.end(_missing(sweeper, keyspace), keyspace.missing)
    finally:
        await keyspace.close()
    return int(wanted.fail_on is not None and worst >= Severity(wanted.fail_on).rank)


def _missing(sweeper: Sweeper, keyspace: Keyspace) -> str:
    """Why this is not all that there is; empty where it is."""
    reasons = []
    if keyspace.vitals.mode == "cluster" and keyspace.topology is None:
        reasons.append("this is one node of a cluster, and only its own keys are read")
    if keyspace.missing or not sweeper.whole:
        reasons.append(missing_words(keyspace.missing) or "a part of the cluster was lost for a moment")
    if not sweeper.steady:
        reasons.append("slots were moving between nodes, and keys may have slipped past")
    if sweeper.refused:
        reasons.append("the account may not read all keys")
    return "; ".join(reasons)


def _elsewhere(store: KeyStore, wanted: Wanted) -> frozenset[str]:
    """Other layouts that have keys among those that nobody claims."""
    unclaimed = store.members(len(wanted.layout.families) - 1)
    return present(map(store.name, unclaimed), elsewhere(wanted.layout))


async def _rows(keyspace: Keyspace, store: KeyStore, family: Family, wanted: Wanted) -> AsyncIterator[Row]:
    """All rows of a family, a batch in memory at a time (its row ids as a whole where several keys make a row)."""
    listed = await rows.members(keyspace, family.index) if family.index else rows.Listed()
    for ids in _batches(store, wanted.layout, family, listed):
        found = await rows.read(keyspace, [rows.Question(family, ids, listed)], wanted.expected)
        for row in found[family.id]:
            yield row


def _batches(store: KeyStore, layout: Layout, family: Family, listed: rows.Listed) -> Iterator[list[bytes]]:
    position = [f.id for f in layout.families].index(family.id)
    names = (store.name(row) for row in store.members(position))
    gathered = {*map(family.row_of, names), *listed.ids, *family.fixed} if family.gathers else ()
    ids: Iterator[bytes] = iter(sorted(gathered)) if family.gathers else names
    batch: list[bytes] = []
    for row_id in ids:
        batch.append(row_id)
        if len(batch) == rows.BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _unmasked(row: Row) -> Row:
    """The row with its whole credential wherever it stands masked."""
    masked = mask(row.reveal)

    def whole(text: str) -> str:
        return text.replace(masked, row.reveal)

    return replace(
        row,
        title=whole(row.title),
        cells=tuple(whole(cell) if isinstance(cell, str) else cell for cell in row.cells),
        why=whole(row.why),
        judgements=tuple(replace(judgement, text=whole(judgement.text)) for judgement in row.judgements),
    )


def _as_finding(judgement: Judgement, **more: str) -> dict[str, str]:
    return {
        "id": judgement.code,
        "severity": judgement.severity.value,
        **more,
        "text": judgement.text,
        "meaning": judgement.meaning,
        "advice": judgement.advice,
    }


def _as_node(node: NodeVitals) -> dict[str, object]:
    return {
        "id": node.id,
        "address": node.address,
        "role": node.role,
        "of": node.of or None,
        "slots": node.slots,
        "link": node.link,
        "keys": node.keys,
        "memory_bytes": node.memory,
        "clients": node.clients,
        "lag_seconds": node.lag_s,
    }


class _Printer:
    """JSON, written piece by piece."""

    def __init__(self, out: TextIO, keyspace: Keyspace, wanted: Wanted, taken: datetime) -> None:
        self._out, self._keyspace, self._reveal, self._taken = out, keyspace, wanted.reveal, taken
        self._layout = wanted.layout.id
        self._comma = ""
        self._row_comma = ""

    def begin(self, judged: Sequence[Judgement]) -> None:
        vitals = self._keyspace.vitals
        head = {
            "schema": SCHEMA,
            "server": {
                "address": str(self._keyspace.address),
                "software": vitals.server_name,
                "version": vitals.version,
                "mode": vitals.mode,
                "role": vitals.role,
                "keys": vitals.keys,
                "memory_bytes": vitals.memory,
                **({"nodes": [_as_node(node) for node in vitals.nodes]} if vitals.nodes else {}),
            },
            "server_findings": [_as_finding(judgement) for judgement in judged],
            "layout": self._layout,
            "taken_at": self._taken.isoformat(timespec="milliseconds"),
        }
        self._out.write(json.dumps(head)[:-1] + ', "families": {')

    def family(self, family: Family) -> None:
        self._out.write(f'{self._comma}\n{json.dumps(family.id)}: {{"rows": [')
        self._comma, self._row_comma = ",", ""

    def row(self, family: Family, row: Row) -> None:
        self._out.write(f"{self._row_comma}\n{json.dumps(self._as_data(family, row))}")
        self._row_comma = ","

    def end_family(self, family: Family, tally: _Tally) -> None:
        findings = [
            _as_finding(finding, row=self._name(family, finding.row) if finding.row else "")
            for finding in tally.findings
        ]
        tail = json.dumps(findings)
        self._out.write(f'\n], "count": {tally.rows}, "findings": {tail}, "findings_omitted": {tally.omitted}}}')

    def end(self, missing: str, parts: Sequence[Missing]) -> None:
        told = ""
        if self._keyspace.topology is not None:
            found = [{"slots": part.slots, "address": part.address or None, "why": part.why} for part in parts]
            told = f', "missing": {json.dumps(found)}'
        self._out.write(f'\n}}{told}, "complete": {json.dumps(not missing)}}}\n')

    def _name(self, family: Family, key: bytes) -> str:
        if family.secret and not self._reveal:
            return family.mask(key) if family.mask else "…"
        return show(key)

    def _as_data(self, family: Family, row: Row) -> dict[str, object]:
        return {
            "id": self._name(family, row.id),
            "title": row.title,
            "state": row.state.word,
            "why": row.why,
            "keys": [
                {
                    "name": self._name(family, key.name),
                    "type": key.type,
                    "expires_at_ms": self._expires(key.expiry),
                }
                for key in row.keys
                if key.exists
            ],
            "columns": {
                column.id: self._value(cell)
                for column, cell in zip(family.columns, row.cells, strict=True)
                if column.kind not in _SKIPPED
            },
        }

    def _expires(self, expiry: Expiry) -> int | None:
        if not expiry.ends:
            return None
        return expiry.at_ms if expiry.at_ms is not None else round(self._keyspace.wall(expiry.deadline) * 1000)

    def _value(self, cell: Cell) -> object:
        if isinstance(cell, Expiry):
            return self._expires(cell)
        if isinstance(cell, State):
            return cell.word
        if isinstance(cell, Progress):
            return {"done": cell.done, "total": cell.total}
        return None if isinstance(cell, float) and not math.isfinite(cell) else cell


class _Summary:
    """Words for people."""

    def __init__(self, out: TextIO, keyspace: Keyspace, taken: datetime) -> None:
        self._out, self._keyspace, self._taken = out, keyspace, taken

    def begin(self, judged: Sequence[Judgement]) -> None:
        vitals = self._keyspace.vitals
        keys = count(vitals.keys, "key") if vitals.keys is not None else "keys not told"
        nodes = f", a cluster of {count(len(vitals.nodes), 'node')}" if vitals.nodes else ""
        told = f"{self._keyspace.address}: {vitals.server_name} {vitals.version}{nodes}, {keys}"
        click.echo(told, file=self._out)
        self._tell(judged)

    def family(self, family: Family) -> None:
        return None

    def row(self, family: Family, row: Row) -> None:
        return None

    def end_family(self, family: Family, tally: _Tally) -> None:
        states = ", ".join(f"{number:,} {word}" for word, number in tally.states.most_common())
        told = f" ({states})" if states else ""
        click.echo(f"\n{family.title}: {count(tally.rows, *family.noun)}{told}", file=self._out)
        self._tell(tally.findings[:20])
        rest = len(tally.findings) + tally.omitted - 20
        if rest > 0:
            click.echo(f"  and {count(rest, 'finding')} more; --json lists them.", file=self._out)

    def _tell(self, judgements: Sequence[Judgement]) -> None:
        for judgement in judgements:
            click.echo(f"  {judgement.severity.value}: {judgement.text} {judgement.advice}", file=self._out)

    def end(self, missing: str, parts: Sequence[Missing]) -> None:
        if missing:
            click.echo(f"\nNot complete: {missing}.", file=self._out)
