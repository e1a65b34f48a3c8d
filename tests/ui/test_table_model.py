from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelectionModel, QPersistentModelIndex, Qt, qInstallMessageHandler
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QTableView

from fleetcache_gui.domain.family import Row
from fleetcache_gui.domain.snapshot import Snapshot
from fleetcache_gui.domain.values import FOREVER, Expiry, Progress, State
from fleetcache_gui.present.table import Edit, Table
from fleetcache_gui.ui.table_model import ROW_ROLE, TableModel, sort_problem
from tests.ui.pages import Clock
from tests.ui.stage import CAMPAIGN_COLUMNS, LAYOUT, RUNNING, campaign

if TYPE_CHECKING:
    import pytest
    from pytestqt.logging import _QtLogLibraryCapture as QtLog

FAMILY = LAYOUT.family("live_queries")
STATES = (RUNNING, State("finished"), State("orphaned"))


@dataclass(frozen=True)
class Seen:
    """A table as it was read once: for each row its progress and its state."""

    rows: dict[int, tuple[int, int]]


@dataclass(frozen=True)
class Filtered:
    text: str
    state: str


@dataclass(frozen=True)
class Sorted:
    column: str
    descending: bool


steps = st.lists(
    st.builds(Seen, st.dictionaries(st.integers(0, 12), st.tuples(st.integers(0, 5), st.integers(0, 2))))
    | st.builds(Filtered, st.sampled_from(["", "1", "row 1", "nothing"]), st.sampled_from(["", "running"]))
    | st.builds(Sorted, st.sampled_from([c.id for c in CAMPAIGN_COLUMNS]), st.booleans()),
    max_size=12,
)


def row(number: int, done: int = 0, state: int = 0) -> Row:
    cells = (number, f"row {number}", Progress(done), None, FOREVER, (), STATES[state])
    return Row(str(number).encode(), FAMILY.id, f"row {number}", cells, STATES[state], (), at=1.0)


def snapshot(*rows: Row) -> Snapshot:
    return Snapshot(FAMILY.id, rows, len(rows), 1.0, complete=True)


def apply(model: TableModel, step: Seen | Filtered | Sorted) -> None:
    table = model.table
    if isinstance(step, Seen):
        model.apply(table.update(snapshot(*(row(n, *values) for n, values in step.rows.items()))))
    elif isinstance(step, Filtered):
        model.apply(table.set_filter(step.text, step.state))
    else:
        model.apply(table.set_sort(step.column, step.descending))


def shown(model: TableModel) -> list[bytes]:
    return [model.index(p, 0).data(ROW_ROLE).id for p in range(model.rowCount())]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_any_changes_keep_qts_rules_and_the_selection(
    qapp: object, qtlog: QtLog, steps: list[Seen | Filtered | Sorted]
) -> None:
    model = TableModel(Table(FAMILY))
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning, model)
    selection = QItemSelectionModel(model)
    held: dict[bytes, QPersistentModelIndex] = {}
    for step in steps:
        apply(model, step)
        ids = shown(model)
        assert ids == [model.table.id_at(p) for p in range(len(model.table))]
        for row_id, index in list(held.items()):
            if row_id in ids:
                assert (not index.isValid()) or index.data(ROW_ROLE).id == row_id
            else:
                assert not index.isValid()
            if not index.isValid():
                del held[row_id]
        for index in selection.selectedRows():
            assert index.data(ROW_ROLE).id in held
        for position, row_id in enumerate(ids):
            if row_id not in held and position % 2 == 0:
                held[row_id] = QPersistentModelIndex(model.index(position, 0))
                flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
                selection.select(model.index(position, 0), flags)
    assert [record.message for record in qtlog.records] == []
    model.deleteLater()


def test_a_broken_edit_would_be_noticed(qapp: object) -> None:
    """The tester above can fail: an edit that inserts nothing breaks Qt's rules."""
    model = TableModel(Table(FAMILY))
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning, model)
    messages: list[str] = []
    before = qInstallMessageHandler(lambda kind, context, message: messages.append(message))
    try:
        model.apply([Edit("insert", 0, 0, lambda: None)])
    finally:
        qInstallMessageHandler(before)
    assert any("FAIL" in message for message in messages)


def test_a_refresh_of_the_same_rows_touches_nothing(qapp: object) -> None:
    model = TableModel(Table(FAMILY))
    model.apply(model.table.update(snapshot(row(1), row(2))))
    heard: list[object] = []
    model.dataChanged.connect(lambda *args: heard.append(args))
    model.layoutChanged.connect(lambda *args: heard.append(args))
    model.modelReset.connect(lambda: heard.append("reset"))
    model.apply(model.table.update(snapshot(row(1), row(2))))
    assert heard == []
    model.apply(model.table.update(snapshot(row(1), row(2, 5))))
    assert len(heard) == 1


def test_a_clock_counts_down_without_a_change_of_the_table(qapp: object) -> None:
    clock = Clock(1000.0)
    model = TableModel(Table(FAMILY), clock)
    model.apply(model.table.update(snapshot(campaign(1043, 1000.0))))
    left = model.index(0, 4)
    expiry = left.data(ROW_ROLE).cells[4]
    assert isinstance(expiry, Expiry)
    before = left.data()
    clock.now += 1
    assert left.data() != before
    clock.now = expiry.deadline + 1
    assert left.data() == "expired"


def test_texts_are_made_once_for_a_row_and_anew_for_its_successor(
    qapp: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleetcache_gui.ui import table_model

    made: list[object] = []
    original = table_model.cell_text

    def counted(*args: object, **options: object) -> str:
        made.append(args)
        return original(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(table_model, "cell_text", counted)
    model = TableModel(Table(FAMILY))
    model.apply(model.table.update(snapshot(row(1))))
    for _ in range(5):
        assert model.index(0, 1).data() == "row 1"
    assert len(made) == 1
    model.apply(model.table.update(snapshot(row(1, 3))))
    assert model.index(0, 2).data() == "3"


def test_few_roles_are_answered(qapp: object) -> None:
    model = TableModel(Table(FAMILY))
    model.apply(model.table.update(snapshot(row(1))))
    answered = {role for role in Qt.ItemDataRole if model.index(0, 1).data(role) is not None}
    assert answered == {
        Qt.ItemDataRole.DisplayRole,
        Qt.ItemDataRole.ToolTipRole,
        Qt.ItemDataRole.TextAlignmentRole,
        Qt.ItemDataRole.UserRole,
    }


def test_bars_without_a_total_are_drawn_against_the_largest(qapp: object) -> None:
    model = TableModel(Table(FAMILY))
    assert model.largest(2) == 0
    model.apply(model.table.update(snapshot(row(1, 3), row(2, 5))))
    assert model.largest(2) == 5
    model.apply(model.table.update(snapshot(row(1, 3))))
    assert model.largest(2) == 3


def test_a_reset_of_a_table_shows_the_new_one(qapp: object) -> None:
    model = TableModel(Table(FAMILY))
    view = QTableView()
    view.setModel(model)
    other = Table(FAMILY)
    for edit in other.update(snapshot(row(7))):
        edit.apply()
    model.set_table(other)
    assert shown(model) == [b"7"]
    assert sort_problem(other, CAMPAIGN_COLUMNS[2]) == ""
