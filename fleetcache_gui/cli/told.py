"""What the command line says: lines, and failures in a sentence or two."""

from __future__ import annotations

import os
import sys

import click

WRONG = 2
"""Exit code for input that cannot be used and for servers that cannot be read."""


def say(text: str) -> None:
    """Print a line. A reader who has enough is no error: the rest then goes nowhere."""
    try:
        click.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def warn(text: str) -> None:
    """A sentence on standard error; the program goes on."""
    click.echo(f"fleetcache-gui: {text}", err=True)


class Failure(click.ClickException):
    """One or two sentences on standard error, exit code 2."""

    exit_code = WRONG

    def show(self, file: object = None) -> None:
        """Plainly, without click's usage lines."""
        warn(self.message)
