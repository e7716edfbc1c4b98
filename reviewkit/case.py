"""One scored submission of an output folder, loaded so that it can be scored again in a moment, without a sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reviewkit import model, scoring
from reviewkit.assess import entry_of, judge, match_state, within_change
from reviewkit.bank import Bank, Entry
from reviewkit.errors import DataError
from reviewkit.exemplars import OFF
from reviewkit.matching import Matching
from reviewkit.outfolder import SCORE_AGAIN, OutFolder
from reviewkit.runs import Runs, kept, versions_of
from reviewkit.scorecard import Decision, Scorecard
from reviewkit.submission import Submission, read_submission


@dataclass
class Case:
    """A submission, its scenario and what the sandbox said."""

    submission: Submission
    entry: Entry
    runs: Runs | None
    """None where nothing was run with the present versions of program, scorer, scenario and rubric."""
    _matching: Matching | None = field(default=None, repr=False)
    _latest: tuple[tuple[Decision, ...], Scorecard] | None = field(default=None, repr=False)

    def card(self, decided: Sequence[Decision]) -> Scorecard:
        """Its scorecard with these decisions; hidden checks that were not kept are `not run`."""
        wanted = tuple(decided)
        if self._latest is None or self._latest[0] != wanted:
            counted, _ = within_change(self.submission.state, self.entry)
            self._matching = self._matching or match_state(counted, self.entry)
            runs = self.runs or Runs(versions=versions_of(self.entry))
            self._latest = (wanted, judge(self.submission, self.entry, runs, wanted, self._matching))
        return self._latest[1]

    def know(self, card: Scorecard) -> None:
        """Take a card that was made before, if it is the one that would be made now without any decision."""
        same = card.versions == scoring.versions_of(self.entry.scenario, self.entry.rubric, self.entry.exemplars.name, self.entry.weights)
        if same and self.runs is not None and not card.decisions:
            self._latest = ((), card)


def bank_of(bank: Bank, card: Scorecard) -> Bank:
    """The bank, used as it was for a scorecard: with or without exemplars, with or without the sentence model."""
    versions = card.versions
    return replace(bank, use_exemplars=versions.exemplars != OFF, use_sentences=model.uses_sentences(versions.model))


def load(folder: OutFolder, bank: Bank, sha256: str) -> Case:
    """A scored submission of an output folder.

    Raises:
        DataError: If its copy is gone or is not the one that was scored.
        SubmissionError: If the bank does not have its scenario.
    """
    staged = folder.staged(sha256)
    if not staged.is_file():
        raise DataError(f"staged/{staged.name}", "the copy of this submission is gone", SCORE_AGAIN)
    submission = folder.owned(read_submission(staged))
    if submission.sha256 != sha256:
        raise DataError(f"staged/{staged.name}", "is not the notebook that was scored", SCORE_AGAIN)
    entry = entry_of(submission, bank)
    return Case(submission, entry, kept(folder.runs_file(sha256), entry))
