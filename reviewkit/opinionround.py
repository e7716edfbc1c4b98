"""A round of second opinions on one submission: what is kept is not asked again.

```text
OUT/opinions/<submission[:12]>-<question[:40]>.json   one usable answer; purged with the submission
```
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from reviewkit.blocking import finished
from reviewkit.collect import write_whole
from reviewkit.finding import Finding
from reviewkit.frozen import canonical
from reviewkit.opinion import Opinion, SecondOpinion, summed, waiting_pairs
from reviewkit.opinionclient import Endpoint, Limits, ask_all, key_from_environment
from reviewkit.opinionprompt import PROMPT_VERSION, Question
from reviewkit.outcomes import PairOutcome
from reviewkit.rubric import Rubric
from reviewkit.scorecard import Scorecard

FOLDER: Final = "opinions"


def second_opinion(
    card: Scorecard, rubric: Rubric, findings: Sequence[Finding], endpoint: Endpoint, root: Path, limits: Limits = Limits()  # noqa: B008
) -> SecondOpinion:
    """
    Opinions on the pairs of a card that wait for a person, and those kept on pairs that raters have decided since.

    Args:
        card: As scored with all decisions so far; stays as it is.
        rubric: The key that it was scored with.
        findings: Of the submission.
        endpoint: Who is asked.
        root: Output folder, which keeps the answers.
        limits: Time, tries and number.

    Raises:
        UsageError: If the key in the environment is none.
    """
    known = {finding.id: finding for finding in findings}
    flaws = {defect.id: defect for defect in rubric.defects}
    waiting = waiting_pairs(card)
    sha = card.about.submission_sha256
    kept: list[Opinion] = []
    open_questions: list[Question] = []
    for pair in dict.fromkeys((*waiting, *_left(card))):
        if pair[0] in known and pair[1] in flaws:
            question = Question.of(known[pair[0]], flaws[pair[1]])
            held = _read(_path(root, sha, question.sha256(endpoint.url, endpoint.model)), question, endpoint)
            if held is not None:
                kept.append(held)
            elif pair in waiting:
                open_questions.append(question)
    key = key_from_environment()
    fresh = finished(ask_all(endpoint, open_questions, key, limits)) if open_questions else []
    for opinion in fresh:
        if opinion.says is not None:
            write_whole(_path(root, sha, opinion.question), canonical(opinion.model_dump(mode="json")).encode() + b"\n")
    return summed(endpoint.host, endpoint.model, PROMPT_VERSION, [*kept, *fresh], card)


def _left(card: Scorecard) -> list[tuple[str, str]]:
    """Pairs that the program left to a person, decided since or not."""
    return [(f.id, p.target) for f in card.findings for p in f.pairs if p.program_outcome is PairOutcome.PERSON]


def _path(root: Path, submission: str, question: str) -> Path:
    return root / FOLDER / f"{submission[:12]}-{question[:40]}.json"


def _read(path: Path, question: Question, endpoint: Endpoint) -> Opinion | None:
    """A kept answer to this very question; anything else in its place is asked again."""
    try:
        opinion = Opinion.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    if opinion.question != question.sha256(endpoint.url, endpoint.model) or opinion.says is None:
        return None
    return opinion.model_copy(update={"finding": question.finding, "defect": question.defect})
