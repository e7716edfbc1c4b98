"""Command line of `reviewkit match`: remarks against defects by text, for measuring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reviewkit.cli_options import SentencesOption
from reviewkit.errors import DataError, UsageError


def match_file(
    file: Annotated[Path, typer.Argument(help="JSON lines: one review per line.")], sentences: SentencesOption = False
) -> None:
    """Match remarks with defects by text, for measuring.

    Reads one review a line and prints one line of JSON for each; places count where they are given. The format is in
    docs/scoring.md.

    Example: reviewkit match reviews.jsonl > pairs.jsonl
    """
    from reviewkit.matchfile import match_text_file

    try:
        lines = file.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        fault = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"cannot be read ({error.strerror})"
        raise UsageError(f"{file}: {fault}.", "Name a UTF-8 file of JSON lines.") from None
    meaning = None
    if sentences:
        from reviewkit.sentences import store
        from reviewkit.sentences.meaning import shared

        store.require()
        meaning = shared().alike
    try:
        for line in match_text_file(lines, meaning):
            typer.echo(line)
    except DataError as error:
        raise DataError(f"{file}, {error.place}", error.fact, error.next_step) from None
