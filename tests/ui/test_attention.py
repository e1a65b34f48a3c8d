"""Findings that are acknowledged or muted: apart, quiet, remembered without a secret."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Judgement, Severity
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.attention import DAY, MOST, Attention
from fleetcache_gui.ui.herald import message
from tests.ui.shell import opened, settle
from tests.ui.stage import Stage, campaign, keys_of, lock

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QMenu

    from fleetcache_gui.ui.finding_cards import FindingCard
    from fleetcache_gui.ui.overview import Overview

MEMORY = Judgement("server.memory", b"", Severity.WARNING, "Memory is filling up.", "It means this.", "Do that.")


class Clock:
    """Unix seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def entries(menu: QMenu) -> dict[str, object]:
    """Its actions by their words, those of its menus beneath them."""
    found: dict[str, object] = {}
    for action in menu.actions():
        beneath = action.menu()
        found[action.text()] = entries(beneath) if beneath else action  # type: ignore[arg-type]
    return found


def choose(card: FindingCard, *words: str) -> None:
    menu = card.menu()
    found: object = entries(menu)
    for word in words:
        found = found[word]  # type: ignore[index]
    found.trigger()  # type: ignore[attr-defined]
    menu.deleteLater()


def titles(overview: Overview) -> list[str]:
    return [card.title.text() for card in overview.cards.cards]


async def test_an_acknowledged_finding_stands_apart_and_badges_nothing(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        overview = window.overview
        assert not overview.quiet.isVisible()
        assert window.tabs.tab(2).tone is Tone.WARN
        choose(overview.cards.cards[2], "Acknowledge, until it changes")
        assert titles(overview) == ["Campaign 1033 is orphaned", "Campaign 1042 is orphaned"]
        assert overview.headline.text() == "2 findings"
        assert window.tabs.tab(2).tone is None
        assert overview.quiet.isVisible()
        assert overview.quiet.fold.text() == "1 finding acknowledged or muted"
        assert not overview.quiet.cards.isVisible()
        overview.quiet.fold.click()
        (card,) = overview.quiet.cards.cards
        assert card.isVisible()
        assert card.since.text() == "Acknowledged"
        assert str(overview.families.model().index(1, 4).data()) == "1 quiet"
        choose(card, "Tell me again")
        assert len(overview.cards.cards) == 3
        assert window.tabs.tab(2).tone is Tone.WARN
        assert not overview.quiet.isVisible()


async def test_it_is_told_again_when_it_gets_worse_or_comes_again(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        stage.show("live_queries", ())
        stage.show("locks", ())
        stage.judge_server(MEMORY)
        choose(window.overview.cards.cards[0], "Acknowledge, until it changes")
        assert window.overview.calm.isVisible()
        assert window.overview.calm.title.text() == "Nothing new is wrong"
        stage.judge_server(replace(MEMORY, text="Memory is filling up: 83 %."))
        assert titles(window.overview) == [], "another figure in its text is no change"
        stage.judge_server(replace(MEMORY, severity=Severity.CRITICAL))
        assert titles(window.overview) == ["Memory is filling up."]
        choose(window.overview.cards.cards[0], "Acknowledge, until it changes")
        assert titles(window.overview) == []
        stage.judge_server()
        assert window.overview.calm.title.text() == "Nothing is wrong"
        stage.judge_server(replace(MEMORY, severity=Severity.CRITICAL))
        assert len(titles(window.overview)) == 1, "it closed in between"


async def test_a_mute_is_of_a_row_or_of_a_kind(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        overview = window.overview
        choose(overview.cards.cards[0], "Mute this one", "For good")
        assert titles(overview) == ["Campaign 1042 is orphaned", "Lock async:software never expires"]
        choose(overview.cards.cards[0], "Mute all of this kind", "For a week")
        assert titles(overview) == ["Lock async:software never expires"]
        rows = stage.snapshot("live_queries").rows  # type: ignore[union-attr]
        orphan = campaign(77, clock.now(), rows[1].state)
        judged = (
            replace(orphan, judgements=(replace(rows[1].judgements[0], row=orphan.id),))
            if rows[1].judgements
            else orphan
        )
        stage.show("live_queries", (*rows, judged))
        assert titles(overview) == ["Lock async:software never expires"]
        overview.quiet.fold.click()
        said = sorted(card.since.text().split(",")[0][:12] for card in overview.quiet.cards.cards)
        assert said[0].startswith("Muted for go")
        assert said[-1].startswith("Muted until")


def test_a_mute_ends_by_itself(qapp: QApplication) -> None:
    stage, clock, settings = Stage(), Clock(), Settings()
    stage.go_live()
    attention = Attention(stage, settings, clock)  # type: ignore[arg-type]
    told: list[int] = []
    attention.changed.connect(lambda: told.append(len(attention.loud(stage.findings))))
    attention.mute(stage.findings[0], 3600.0, kind=False)
    attention.acknowledge(stage.findings[1])
    assert told == [2, 1]
    clock.now += 3599
    attention.tick()
    assert told == [2, 1]
    clock.now += 1
    assert len(attention.loud(stage.findings)) == 2
    attention.tick()
    assert told == [2, 1, 2]
    clock.now += DAY
    attention.tick()
    assert told[-1] == 3, "an acknowledgement holds for a day at the most"
    assert attention.hushed == []


def test_it_is_remembered_by_connection_and_holds_no_secret(qapp: QApplication) -> None:
    stage, settings = Stage(), Settings()
    stage.go_live()
    secret = b"tokens:0c1f6e1e-0000-4000-8000-000000000000"
    (row,) = keys_of("tokens", 1, clock.now())
    odd = Judgement("token.no-ttl", secret, Severity.WARNING, "A token never expires.", "It means.", "Do.")
    stage.show("tokens", (replace(row, judgements=(odd,)),))
    attention = Attention(stage, settings)  # type: ignore[arg-type]
    finding = next(f for f in stage.findings if f.family == "tokens")
    attention.mute(finding, None, kind=False)
    kept = msgspec.json.encode(settings)
    assert b"0c1f6e1e" not in kept
    assert b"token.no-ttl" in kept
    again = msgspec.json.decode(kept, type=Settings)
    later = Attention(stage, again)  # type: ignore[arg-type]
    assert finding not in later.loud(stage.findings)
    stage.name = "staging"
    elsewhere = Attention(stage, again)  # type: ignore[arg-type]
    assert finding in elsewhere.loud(stage.findings)


def test_an_acknowledgement_outlasts_a_start_but_not_the_end_of_its_finding(qapp: QApplication) -> None:
    stage, settings = Stage(), Settings()
    stage.go_live()
    Attention(stage, settings).acknowledge(stage.findings[0])  # type: ignore[arg-type]
    started = Stage()
    attention = Attention(started, settings)  # type: ignore[arg-type]
    started.judge_server(MEMORY)
    assert len(attention.hushed) == 1, "nothing is known of the other families yet"
    started.go_live()
    assert len(attention.loud(started.findings)) == 3
    started.show("live_queries", ())
    assert attention.hushed == []


def test_what_is_graver_after_a_start_is_told_at_once(qapp: QApplication) -> None:
    stage, settings = Stage(), Settings()
    stage.judge_server(MEMORY)
    Attention(stage, settings).acknowledge(stage.findings[0])  # type: ignore[arg-type]
    started = Stage()
    attention = Attention(started, settings)  # type: ignore[arg-type]
    started.judge_server(MEMORY)
    assert attention.loud(started.findings) == ()
    started.judge_server(replace(MEMORY, severity=Severity.CRITICAL))
    assert len(attention.loud(started.findings)) == 1


def test_what_is_kept_is_bounded(qapp: QApplication) -> None:
    stage, settings = Stage(), Settings()
    stage.go_live()
    attention = Attention(stage, settings)  # type: ignore[arg-type]
    for n in range(MOST + 20):
        finding = stage.findings[0]
        attention.mute(replace(finding, judgement=replace(finding.judgement, row=b"%d" % n)), None, kind=False)
    assert len(attention.hushed) == MOST


async def test_the_desktop_is_told_of_what_opens_in_the_background(qapp: QApplication) -> None:
    settings = Settings()
    async with opened(qapp, settings=settings) as (window, stage):
        told: list[tuple[str, str, bool]] = []
        window.herald.tell = lambda *what: told.append(what)
        window.herald._watched = lambda: True  # type: ignore[method-assign]
        stage.judge_server(MEMORY)
        assert told == [], "whoever looks at the window sees it"
        stage.judge_server()
        window.herald._watched = lambda: False  # type: ignore[method-assign]
        stage.judge_server(MEMORY)
        assert told == [("prod-eu: 1 warning", "Memory is filling up.", False)]
        stage.judge_server(replace(MEMORY, text="Memory is filling up: 84 %."))
        assert len(told) == 1, "it is told once"
        stage.judge_server(replace(MEMORY, severity=Severity.CRITICAL))
        assert told[1:] == [("prod-eu: 1 critical", "Memory is filling up.", True)]
        stage.judge_server(replace(MEMORY, code="server.other", severity=Severity.INFO))
        window.attention.mute(stage.findings_of("locks")[0], None, kind=False)
        stage.show("locks", ())
        stage.show("locks", (lock("async:software", "worker-2", clock.now(), None),))
        assert len(told) == 2, "neither notes nor what is muted"
        settings.notify = False
        stage.judge_server(MEMORY)
        assert len(told) == 2


async def test_a_message_names_no_key_and_holds_no_markup(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        evil = replace(MEMORY, text="<b>10.0.0.1</b> & co is full.")
        stage.judge_server(evil)
        title, text = message(stage.findings, window._session)
        assert title == "prod-eu: 2 critical, 2 warnings"
        assert "async:software" not in text
        assert "1042" not in text
        assert "<" not in text
        assert "Distributed locks: 1 warning" in text
        window.herald._show(title, text, True)  # without a place for it nothing happens
        await settle()
