"""Options that several commands share, and the order in which help lists commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Optional

import typer
from typer.core import TyperGroup

from reviewkit.engine import Engine
from reviewkit.limits import LEAST_MEGABYTES

ORDER: Final = (
    "demo", "bank", "publish", "desk", "invite", "open", "cockpit", "intake", "score", "playback", "adjudicate", "decide", "feedback", "agreement", "store", "doctor", "build",
)  # fmt: skip
"""Commands as a newcomer needs them; others follow by name."""


class InOrder(TyperGroup):
    """A help page that lists commands in the order of `ORDER`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


BankOption = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads the annotation at run time
    typer.Option("--bank", help="Folder that holds scenarios/. Default: REVIEWKIT_BANK, else from here upward."),
]
RubricsOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--rubrics", help="Folder of the rubrics. Default: REVIEWKIT_RUBRICS, else rubrics/ of the bank."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for reports, scorecards, notebooks, CSV and store.")]
OutPlaceOption = Annotated[
    str, typer.Option("--out", metavar="PATH", help="Folder for reports, scorecards, notebooks, CSV and store; also s3://... and the like (extra remote).")
]
JobsOption = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--jobs", min=1, help="Submissions to score at a time. Default: one per core that may be used, up to 8, while memory suffices."),
]
EngineOption = Annotated[
    Engine, typer.Option("--engine", help="What executes the scoring notebook; the scores are the same. kernel: a fresh kernel for each.")
]
TimeLimitOption = Annotated[
    float, typer.Option("--time-limit", min=1, metavar="SECONDS", help="What scoring one submission may take; more is one row, time_limit.")
]
MemoryLimitOption = Annotated[
    int,
    typer.Option("--memory-limit", min=LEAST_MEGABYTES, metavar="MB", help="Memory for scoring one submission; more is one row, memory_limit."),
]
AgainOption = Annotated[bool, typer.Option("--again", help="Score anew also what --out holds whole already.")]
SchedulerOption = Annotated[
    str, typer.Option("--scheduler", metavar="ADDRESS", help="Score on the Dask cluster of this scheduler (extra dask), such as tcp://HOST:8786.")
]
LinesOption = Annotated[
    bool, typer.Option("--jsonl", help="Print a line of JSON as each submission is done, then one with all rows in order.")
]
SlugArgument = Annotated[str, typer.Argument(help="Name of a scenario, as `reviewkit bank list` shows it.")]
ExemplarsOption = Annotated[
    bool, typer.Option("--exemplars/--no-exemplars", help="Let matching look at adjudicated remarks of earlier reviews.")
]
SentencesOption = Annotated[
    bool, typer.Option("--sentences", help="Match with the optional sentence model as well (reviewkit setup sentences).")
]
ScoreStoreOption = Annotated[
    str, typer.Option("--store", help="postgresql://user@host/name for rows and decisions, in the place of OUT/store.sqlite. OUT remembers it.")
]
ScoredArgument = Annotated[Path, typer.Argument(metavar="OUT", help="Folder that reviewkit score wrote.")]
