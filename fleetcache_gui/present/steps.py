"""The steps of a plan and what became of them, as texts: for the list in the window, and for reports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Deed, Outcome, command_shown
from fleetcache_gui.domain.text import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.plan import Plan, Receipt, Step

LONGEST = 300
"""Characters of a text that a cell or a line of a report takes."""

ALL = "all"
NO_WAY_BACK = "no way back"
_UNDONE = frozenset({Deed.PUT_BACK, Deed.EXPIRE})
"""Deeds that destroy nothing that would have to be saved."""


class StepText(NamedTuple):
    """One step as a person reads it. `aside`: whether it is saved, or what became of it; `note` says more."""

    command: str
    what: str
    size: str
    aside: str
    note: str = ""


def name_shown(layout: Layout, key: bytes, limit: int = 120) -> str:
    """A key's name as it may be shown: with its credential masked where its family's names are credentials."""
    family = layout.families[layout.router(key)]
    return family.mask(key) if family.secret and family.mask is not None else show(key, limit)


def command_text(layout: Layout, step: Step) -> str:
    """The step as a Redis user would write it, with credentials masked."""
    family = layout.families[layout.router(step.draft.key)]
    if family.secret:
        draft = replace(step.draft, key=name_shown(layout, step.draft.key).encode())
        step = replace(step, draft=draft)
    return command_shown(step)


def _masked(layout: Layout, key: bytes, text: str) -> str:
    """`text` without the credential, where somebody has put the key's name into it."""
    if layout.families[layout.router(key)].secret:
        masked = name_shown(layout, key)
        for shown in (show(key), show(key, 120), show(key, 80)):
            text = text.replace(shown, masked)
    return text


def way_back(step: Step) -> str:
    """Whether the step can be undone."""
    return "saved first" if step.saved else "" if step.draft.deed in _UNDONE else NO_WAY_BACK


class Steps:
    """The lines of a plan, or of a receipt: its steps, and behind them what was skipped. Texts are made when asked for:
    a plan may have a hundred thousand steps."""

    def __init__(self, layout: Layout, plan: Plan, receipt: Receipt | None = None) -> None:
        self._layout = layout
        self._receipt = receipt
        self.plan = plan

    def __len__(self) -> int:
        return len(self.plan.steps) + len(self.plan.skipped)

    @property
    def noted(self) -> bool:
        """Whether any line says more than its outcome."""
        return bool(self.plan.skipped) or (self._receipt is not None and any(self._receipt.notes.values()))

    def outcome(self, position: int) -> Outcome | None:
        """What became of the line; None in a plan, and where it was skipped."""
        if self._receipt is None or position >= len(self.plan.steps):
            return None
        return self._receipt.outcomes[position]

    def text(self, position: int) -> StepText:
        """One line."""
        if position >= len(self.plan.steps):
            skipped = self.plan.skipped[position - len(self.plan.steps)]
            return StepText("", skipped.what[:LONGEST], "", "skipped", skipped.reason[:LONGEST])
        step = self.plan.steps[position]
        size = "" if step.size is None else words.size(step.size)
        met, key = self.outcome(position), step.draft.key
        note = _masked(self._layout, key, self._receipt.notes.get(position, "") if self._receipt else "")
        what = _masked(self._layout, key, step.draft.what)
        aside = way_back(step) if met is None else met.value
        return StepText(command_text(self._layout, step), what[:LONGEST], size, aside, note[:LONGEST])

    def kinds(self) -> dict[str, Sequence[int]]:
        """Lines by what a person may want to see of them: all; changes and skipped ones, or each outcome."""
        steps, every = len(self.plan.steps), len(self)
        found: dict[str, Sequence[int]] = {}
        if self._receipt is not None:
            met: dict[Outcome, list[int]] = {}
            for position, outcome in enumerate(self._receipt.outcomes):
                met.setdefault(outcome, []).append(position)
            found = {outcome.value: met[outcome] for outcome in Outcome if outcome in met}
        elif not self.plan.skipped:
            return {ALL: range(every)}
        else:
            found = {"to be changed": range(steps)} if steps else {}
        if self.plan.skipped:
            found["skipped"] = range(steps, every)
        return {ALL: range(every), **found} if len(found) > 1 else found

    def holds(self, position: int, needles: Sequence[str]) -> bool:
        """Whether every one of `needles` (lower case) stands in the line."""
        if position >= len(self.plan.steps):
            skipped = self.plan.skipped[position - len(self.plan.steps)]
            hay = f"{skipped.what}\n{skipped.reason}"
        else:
            step = self.plan.steps[position]
            note = self._receipt.notes.get(position, "") if self._receipt else ""
            hay = f"{show(step.draft.key, LONGEST)}\n{step.draft.what}\n{step.node}\n{note}"
        hay = hay.casefold()
        return all(needle in hay for needle in needles)


def counts(receipt: Receipt) -> dict[Outcome, int]:
    """As `Receipt.counts`, in one walk: of keys, members or entries."""
    found: dict[Outcome, int] = {}
    for position, (step, met) in enumerate(zip(receipt.plan.steps, receipt.outcomes, strict=True)):
        found[met] = found.get(met, 0) + receipt.taken.get(position, step.count)
    return {outcome: found[outcome] for outcome in Outcome if found.get(outcome)}
