"""A receipt as a file: text for people, JSON for programs. Credentials in key names are masked, values left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.present.steps import Steps, counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.plan import Receipt


def moment(at: float) -> str:
    """Unix seconds as ``2026-01-31T09:41:12Z``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_json(receipt: Receipt, layout: Layout) -> str:
    """The report as one JSON object."""
    plan, steps = receipt.plan, Steps(layout, receipt.plan, receipt)
    lines = [steps.text(position) for position in range(len(plan.steps))]
    report = {
        "report": "fleetcache-gui deed 1",
        "deed": plan.id,
        "title": plan.title,
        "environment": plan.environment,
        "server": plan.where,
        "began": moment(receipt.began),
        "ended": moment(receipt.ended),
        "counts": {outcome.value: number for outcome, number in counts(receipt).items()},
        "trouble": receipt.trouble,
        "can_be_put_back": receipt.saved,
        "steps": [
            {"command": line.command, "what": line.what, "outcome": line.aside, "note": line.note} for line in lines
        ],
        "skipped": [{"what": skipped.what, "reason": skipped.reason} for skipped in plan.skipped],
    }
    return json.dumps(report, indent=1, ensure_ascii=True) + "\n"


def as_text(receipt: Receipt, layout: Layout) -> str:
    """The report as lines."""
    return "\n".join(_lines(receipt, layout)) + "\n"


def _lines(receipt: Receipt, layout: Layout) -> Iterator[str]:
    plan, steps = receipt.plan, Steps(layout, receipt.plan, receipt)
    yield plan.title
    yield " ".join(filter(None, ("On", plan.where, plan.environment)))
    yield f"From {moment(receipt.began)} to {moment(receipt.ended)}, deed {plan.id}"
    yield ""
    for outcome, number in counts(receipt).items():
        yield f"{words.count(number):>12}  {outcome.value}"
    if receipt.trouble:
        yield ""
        yield receipt.trouble
    yield ""
    saved = f"{words.count(receipt.saved, *plan.noun)} can be put back."
    yield saved if receipt.saved else "Nothing of it can be put back."
    yield ""
    for position in range(len(plan.steps)):
        line = steps.text(position)
        yield "  ".join(filter(None, (f"{line.aside}:", line.command, line.what, line.note)))
    for skipped in plan.skipped:
        yield f"skipped:  {skipped.what}  {skipped.reason}"
