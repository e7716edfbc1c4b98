"""The candidate's feedback page: rendered from our own autoescaping template, and searched for the key before anybody gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from reviewkit.bank import Entry
from reviewkit.errors import DataError
from reviewkit.feedback import Feedback, feedback
from reviewkit.keyleaks import found_in, secrets_of
from reviewkit.playback.frames import frames
from reviewkit.playback.view import strip
from reviewkit.report import environment
from reviewkit.scorecard import FindingResult, Scorecard
from reviewkit.submission import Submission

MESSAGE_MAX = 20_000
"""Characters of the words that people add."""


def render_feedback(
    card: Scorecard, entry: Entry, submission: Submission | None, generated: str, *, message: Sequence[str] = (), released: bool = False
) -> str:
    """The page.

    Args:
        card: The scorecard, with the raters' decisions.
        entry: Its scenario, with rubric.
        submission: For the candidate's own time line; None leaves it out.
        generated: When it was made, as text.
        message: What people want to say, in paragraphs.
        released: A person has released the key to this candidate.

    Raises:
        DataError: If text of the key would be in it that neither the rubric allows nor a person has released.
    """
    told = feedback(card, entry.rubric, released=released)
    if not released:
        _refuse_key(_render(_without_words(told), entry, "", "", (), ""), entry, told.key_words)
    line = strip(frames(submission.events, entry.scenario)) if submission else ""
    return _render(told, entry, card.about.candidate, generated, message, line)


def _render(told: Feedback, entry: Entry, candidate: str, generated: str, message: Sequence[str], line: str) -> str:
    template = environment().get_template("feedback.html.j2")
    return template.render(
        told=told, scenario=entry.scenario, candidate=candidate, generated=generated, message=message,
        timeline=Markup(line), place=_place,  # noqa: S704 - our own SVG
    )  # fmt: skip


def _place(finding: FindingResult) -> Markup:
    lines = f":{finding.line}" if finding.line else ""
    lines += f"–{finding.end_line}" if finding.end_line and finding.end_line != finding.line else ""
    return Markup("<code>{}{}</code>").format(environment().filters["said"](finding.file or "the whole change"), lines)


def _without_words(told: Feedback) -> Feedback:
    """The same page without the candidate's own texts, which may rightly say what the key says."""
    return replace(told, right=())


def _refuse_key(html: str, entry: Entry, allowed: Sequence[str]) -> None:
    page = html
    for text in allowed:
        page = page.replace(str(Markup.escape(text)), "")
    for _path, secret in found_in({"feedback.html": page.encode("utf-8", "replace")}, secrets_of(entry.slug, entry.rubric)):
        raise DataError("the feedback page", f"would hold {secret.name}, so it was not written", "Report this; tell the candidate in your own words.")


def read_message(path: Path) -> tuple[str, ...]:
    """Paragraphs of a text file.

    Raises:
        DataError: If it is no UTF-8 text, or longer than `MESSAGE_MAX` characters.
    """
    step = f"Name a UTF-8 text file of at most {MESSAGE_MAX:,} characters with --message."
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(path), f"cannot be read ({type(error).__name__})", step) from None
    if len(text) > MESSAGE_MAX:
        raise DataError(str(path), f"has {len(text):,} characters", step)
    return tuple(part.strip() for part in text.split("\n\n") if part.strip())
