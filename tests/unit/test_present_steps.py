from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.plan import Deed, Outcome, Skipped
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.present import reports
from fleetcache_gui.present.steps import ALL, NO_WAY_BACK, Steps, command_text, counts, name_shown, way_back
from tests.ui.stage_deeds import plan, receipt, step

if TYPE_CHECKING:
    from fleetcache_gui.domain.plan import Receipt

TOKEN = b"sw:installer:token:0c1f6a52-7a60-4a6e-9d4e-52b1c6f0aa11"


def mixed() -> Receipt:
    made = plan(
        step(b"lock:a"),
        step(TOKEN),
        step(b"lock:\xff\n", saved=False),
        skipped=(Skipped("lock b", "it is gone already"),),
    )
    met = (Outcome.DONE, Outcome.DONE, Outcome.CHANGED)
    return receipt(made, met, notes={2: "it changed hands"}, taken={0: 7}, trouble="It was cut off.")


def test_credentials_are_masked_and_other_names_are_whole() -> None:
    assert name_shown(SPEC, TOKEN) == "sw:installer:token:0c1f…"
    assert command_text(SPEC, step(TOKEN)) == "UNLINK sw:installer:token:0c1f…"
    assert command_text(SPEC, step(b"lock:\xff\n")) == "UNLINK lock:\\xff\\n"


@pytest.mark.parametrize(
    ("deed", "saved", "told"),
    [(Deed.REMOVE, True, "saved first"), (Deed.REMOVE, False, NO_WAY_BACK), (Deed.EXPIRE, False, "")],
)
def test_the_way_back_of_a_step(deed: Deed, saved: bool, told: str) -> None:
    assert way_back(step(b"lock:a", saved=saved, deed=deed)) == told


def test_the_lines_of_a_plan_end_with_what_is_skipped() -> None:
    steps = Steps(SPEC, mixed().plan)
    assert len(steps) == 4
    assert steps.text(0) == ("UNLINK lock:a", "the key lock:a", "212 B", "saved first", "")
    assert steps.text(3) == ("", "lock b", "", "skipped", "it is gone already")
    assert {kind: list(lines) for kind, lines in steps.kinds().items()} == {
        ALL: [0, 1, 2, 3],
        "to be changed": [0, 1, 2],
        "skipped": [3],
    }


def test_the_lines_of_a_receipt_tell_what_became_of_them() -> None:
    done = mixed()
    steps = Steps(SPEC, done.plan, done)
    assert steps.text(2)[3:] == ("changed, kept", "it changed hands")
    assert steps.outcome(3) is None
    assert {kind: list(lines) for kind, lines in steps.kinds().items()} == {
        ALL: [0, 1, 2, 3],
        "done": [0, 1],
        "changed, kept": [2],
        "skipped": [3],
    }
    assert counts(done) == done.counts == {Outcome.DONE: 8, Outcome.CHANGED: 1}


def test_one_kind_needs_no_choice() -> None:
    assert list(Steps(SPEC, plan()).kinds()) == [ALL]
    assert list(Steps(SPEC, plan(), receipt(plan())).kinds()) == ["done"]


@pytest.mark.parametrize(
    ("text", "found"), [("lock:a", [0]), ("\\xff", [2]), ("hands", [2]), ("gone already", [3]), ("lock key", [0, 2])]
)
def test_lines_are_found_by_key_what_and_note(text: str, found: list[int]) -> None:
    done = mixed()
    steps = Steps(SPEC, done.plan, done)
    assert [position for position in range(4) if steps.holds(position, text.split())] == found


def test_reports_tell_everything_but_credentials() -> None:
    done = mixed()
    text, parsed = reports.as_text(done, SPEC), json.loads(reports.as_json(done, SPEC))
    for report in (text, json.dumps(parsed)):
        assert "0c1f6a52-7a60" not in report
        assert "It was cut off." in report
        assert "it changed hands" in report
    assert "           8  done\n           1  changed, kept\n" in text
    assert "skipped:  lock b  it is gone already\n" in text
    assert parsed["counts"] == {"done": 8, "changed, kept": 1}
    assert parsed["steps"][1] == {
        "command": "UNLINK sw:installer:token:0c1f…",
        "what": "the key sw:installer:token:0c1f…",
        "outcome": "done",
        "note": "",
    }
    assert parsed["skipped"] == [{"what": "lock b", "reason": "it is gone already"}]
    assert parsed["can_be_put_back"] == 2
    assert reports.moment(0) == "1970-01-01T00:00:00Z"
