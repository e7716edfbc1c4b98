"""`reviewkit score`: finds what to score and where to put it, and hands both to the batch."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Optional

import typer

from reviewkit.cli_opinion import OpinionModelOption, OpinionOption, endpoint_of, tell_of
from reviewkit.cli_options import (
    AgainOption,
    BankOption,
    EngineOption,
    ExemplarsOption,
    JobsOption,
    JsonOption,
    LinesOption,
    MemoryLimitOption,
    OutPlaceOption,
    RubricsOption,
    SchedulerOption,
    ScoreStoreOption,
    SentencesOption,
    TimeLimitOption,
)
from reviewkit.cli_store import use_store
from reviewkit.engine import Engine
from reviewkit.limits import MEGABYTES, SECONDS, Limits


def score(
    sources: Annotated[list[str], typer.Argument(help="Completed notebooks, folders of them (also s3://... and the like), or an intake's address.")],
    out: OutPlaceOption = "reviewkit-out",
    bank: BankOption = None,
    rubrics: RubricsOption = None,
    jobs: JobsOption = None,
    engine: EngineOption = Engine.FORK,
    store_place: ScoreStoreOption = "",
    notice: Annotated[Optional[Path], typer.Option("--notice", help="Text for the reports' notice, in the place of ours.")] = None,  # noqa: UP045
    exemplars: ExemplarsOption = True,
    sentences: SentencesOption = False,
    second_opinion: OpinionOption = "",
    second_opinion_model: OpinionModelOption = "",
    time_limit: TimeLimitOption = SECONDS,
    memory_limit: MemoryLimitOption = MEGABYTES,
    again: AgainOption = False,
    scheduler: SchedulerOption = "",
    as_json: JsonOption = False,
    lines: LinesOption = False,
) -> None:
    """Score completed notebooks.

    Each gets a report, a scorecard and a row in table, CSV and store; cohort.html compares them. A notebook is read as data,
    never run; code that a candidate mended runs in the sandbox only. A file that cannot be scored gets one line that says why
    and what to do, and the exit code is 1.

    A batch that was ended goes on where it was, and what --out holds whole already is not scored again, unless the file, the bank,
    raters' decisions or what moves a score have changed.

    From an intake the newest submission of each invite is fetched, with the token in REVIEWKIT_INTAKE_TOKEN.
    Exit code 1 when something needs a person: a file that cannot be scored, or hidden checks without a verdict (no sandbox
    on this machine, or it was too busy).

    Nothing of a submission leaves this machine unless you name an endpoint with --second-opinion. It then gets, for each pair
    that waits for a person, the remark's words and that one flaw's title and statements; no name, no code, nothing else of the
    key. Its answer is advice, seen after a rater's own first word; no point depends on it. Key: REVIEWKIT_OPINION_KEY.

    Example: reviewkit score inbox/ --out results
    """
    import asyncio

    from reviewkit.collect import notebooks
    from reviewkit.demo import How, score_and_show
    from reviewkit.notice import use_notice
    from reviewkit.remote import Inbox, RemoteOut, is_remote
    from reviewkit.submission import read_bytes

    if sentences:
        from reviewkit.sentences import store

        store.require()
    how = How(engine, Limits(time_limit, memory_limit), again, lines)
    if scheduler:
        from reviewkit.cluster import on_cluster

        how = replace(how, cluster=on_cluster(scheduler))
    endpoint = endpoint_of(second_opinion, second_opinion_model)
    inbox, candidates = Inbox(), dict[Path, str]()
    found = notebooks([Path(s) for s in sources if "://" not in s])
    found += [path for source in sources if is_remote(source) for path in inbox.add(source)]
    with RemoteOut(out) if "://" in out else nullcontext() as remote:
        folder = Path(out) if remote is None else remote.path
        use_store(folder, store_place)
        if notice is not None:
            use_notice(notice, folder)
        for address in (s for s in sources if "://" in s and not is_remote(s)):
            from reviewkit.intake.fetch import fetch_from

            fetched = asyncio.run(fetch_from(address, folder))
            candidates |= fetched.candidates
            for note in fetched.notes:
                typer.echo(note, err=True)
        paths = list(dict.fromkeys([*found, *candidates]))
        rows = score_and_show(
            paths, folder, bank, rubrics, jobs, as_json=as_json, candidates=candidates, exemplars=exemplars, sentences=sentences,
            endpoint=endpoint, how=replace(how, read=lambda path: (inbox.read if inbox.holds(path) else read_bytes)(path), remote=remote),
        )  # fmt: skip
        tell_of(endpoint, rows, folder)
    raise typer.Exit(1 if any(row.unscored or row.unchecked for row in rows) else 0)
