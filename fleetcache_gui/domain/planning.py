"""How a plan is put into words, and what a person must do before it runs. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Deed, Plan, Step, Strictness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.family import Family, Row, Verb

MANY = 100
"""With more changes than these a plan asks for a typed word, even if all of it can be undone."""

FLUSHED = (
    "Live queries are paused: no campaign is distributed until it is started again.",
    "Locks are free at once: cron jobs may run twice at a time.",
    "Host details that wait in the queue are lost until the hosts send them again.",
    "Preassigned profiles, installer tokens and limits in flight are gone; config is read from the database again.",
)
"""What Fleet feels when its cache is emptied, by its specification."""

FULL = "The server's memory is full: until some is freed, nothing can be put back."

_NOT_A_WORD = re.compile("[^a-z0-9]+")
_LONGEST_WORD = 24


def strictest(plan: Plan) -> Strictness:
    """The least that must be asked for this plan, whatever it says itself."""
    return strictness(plan.steps, plan.environment, grave=plan.grave)


def strictness(steps: Sequence[Step], environment: str, *, grave: bool) -> Strictness:
    """By harm and environment: reversible and few takes one press; production, what has no way back and what is many a
    typed word; the whole database a button that is held down as well."""
    if any(step.draft.deed is Deed.FLUSH for step in steps):
        return Strictness.HOLD
    many = sum(step.count for step in steps) > MANY
    if grave or many or environment.upper() == "PRODUCTION" or any(not step.saved for step in steps):
        return Strictness.TYPE
    return Strictness.PRESS


def word_for(name: str, number: int) -> str:
    """What is typed to confirm: plain ASCII, made of the connection's name and the count, never of a key's name. It
    varies with the object, so that no habit forms."""
    slug = _NOT_A_WORD.sub("-", name.lower()).strip("-")[:_LONGEST_WORD].strip("-")
    return f"{slug or 'server'} {number}"


def phrase(verb: Verb, family: Family, rows: Sequence[Row], number: int) -> str:
    """The deed with its object: "Release lock cron:vuln", "Release 3 locks"."""
    if len(rows) != 1:
        return verb.phrase.format(words.count(number, *family.noun))
    title, noun = rows[0].title, family.noun[0]
    same = title[:1].lower() + title[1:] if title.lower().startswith(noun) else title
    return verb.phrase.format(same)


def button(verb: Verb, family: Family, number: int) -> str:
    """The deed as its button names it: "Release lock", "Release 3 locks"."""
    return verb.phrase.format(family.noun[0] if number == 1 else words.count(number, *family.noun))


def way_back(steps: Sequence[Step], *, full: bool, kept: str, until: str) -> str:
    """What undo can do for a plan. `full`: the server's memory is full now. `kept`: where what goes is saved, as the
    end of a sentence."""
    total = sum(step.count for step in steps)
    lost = sum(step.count for step in steps if not step.saved)
    if not steps:
        return ""
    if lost == total:
        return "There is no way back: nothing of this can be put back."
    text = f"Can be undone for {until}. What goes is saved first, with its expiry, {kept}."
    if lost:
        text = f"{words.count(lost)} of {words.count(total)} have no way back; the list marks them."
        text += f" The rest can be undone for {until}: it is saved first, with its expiry, {kept}."
    if full:
        text += f" {FULL}"
    return text
