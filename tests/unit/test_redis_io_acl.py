"""What reading needs of an account is all that may leave the program, and nothing else."""

from __future__ import annotations

import pytest

from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.redis_io import allow
from fleetcache_gui.redis_io.acl import READING, acting_line, denies_command, denies_key, reading_line, unknown


def test_what_is_asked_for_is_what_may_leave() -> None:
    allowed = {
        b" ".join((name, *sub)).decode()
        for name, subs in allow.READS.items()
        for sub in ([(sub,) for sub in subs] or [()])
    }
    assert {need.name for need in READING} == allowed - {"CONFIG GET"}  # who may use it may read passwords too
    for need in READING:
        allow.check(need.on(b"key"))
        assert not need.without.endswith(".")


def test_the_line_names_them_all_and_no_more() -> None:
    words = reading_line("me").split()
    assert words[:6] == ["ACL", "SETUSER", "me", "reset", "on", ">PASSWORD"]
    assert set(words[7:]) == {need.rule for need in READING} | {"+select"}
    assert not any(word.startswith("+@") for word in words)
    assert not any("config" in word for word in words)
    assert "no-touch" not in reading_line(recent=False)


def test_the_line_for_actions_lets_nobody_flush() -> None:
    words = acting_line("me").split()
    assert words[5:7] == [">PASSWORD", "~*"]
    assert set(reading_line("me").split()) - {"%R~*"} < set(words)
    assert not any(word.startswith(("+@", "+flush", "+del", "+config", "+set")) for word in words)


@pytest.mark.parametrize(
    ("text", "command", "key", "none"),
    [
        ("NOPERM this user has no permissions to run the 'info' command", True, False, False),
        ("NOPERM User keeper has no permissions to run the 'type' command", True, False, False),
        ("NOPERM this user has no permissions to access one of the keys used as arguments", False, True, False),
        ("NOPERM No permissions to access a key", False, True, False),
        ("ERR unknown command 'INFO', with args beginning with: ", False, False, True),
        ("ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP.", False, False, True),
        ("ERR Unknown subcommand or wrong number of arguments for 'NO-TOUCH'", False, False, True),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", False, False, False),
    ],
)
def test_refusals_are_told_apart(text: str, command: bool, key: bool, none: bool) -> None:
    error = ReplyError(text)
    assert (denies_command(error), denies_key(error), unknown(error)) == (command, key, none)
