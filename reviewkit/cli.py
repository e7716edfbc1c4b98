"""The command line: parse, call one function, print, exit. 0 fine, 1 problems in the data, 2 wrong usage."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from reviewkit import __version__, cli_stats, log
from reviewkit.cli_cockpit import cockpit
from reviewkit.cli_desk import desk
from reviewkit.cli_export import export
from reviewkit.cli_feedback import feedback
from reviewkit.cli_intake import intake_app
from reviewkit.cli_invite import invite_app
from reviewkit.cli_match import match_file
from reviewkit.cli_options import (
    BankOption,
    InOrder,
    JobsOption,
    JsonOption,
    OutOption,
    RubricsOption,
    SlugArgument,
)
from reviewkit.cli_playback import playback
from reviewkit.cli_publish import publish
from reviewkit.cli_raters import adjudicate, decide
from reviewkit.cli_sandbox import sandbox_app
from reviewkit.cli_score import score
from reviewkit.cli_setup import setup_app
from reviewkit.cli_store import store_app
from reviewkit.errors import DataError, ReviewkitError, UsageError, printable

if TYPE_CHECKING:
    from reviewkit.bank import Bank

app = typer.Typer(
    name="reviewkit",
    cls=InOrder,
    help="Code-review interviews in Jupyter: a candidate reviews a realistic pull request, you get a report a panel can defend.\n\n"
    "Start with: reviewkit demo\n\n"
    "Then: reviewkit bank list, reviewkit open checkout --preview, reviewkit score FOLDER",
    epilog="Exit codes: 0 fine; 1 something is wrong in the data (an unscored file, a faulty bank, a missing part); "
    "2 wrong usage (an unknown command, scenario, path or option); 130 ended by Ctrl+C.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
bank_app = typer.Typer(help="See and prove the bank of scenarios.", no_args_is_help=True)
notebook_app = typer.Typer(help="Find the notebooks that come with reviewkit.", no_args_is_help=True)
app.add_typer(bank_app, name="bank")
app.add_typer(notebook_app, name="notebook")
app.add_typer(invite_app, name="invite")
app.add_typer(intake_app, name="intake")
app.add_typer(store_app, name="store")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(setup_app, name="setup")
app.add_typer(cli_stats.exemplars_app, name="exemplars")
for _command in cli_stats.COMMANDS:
    app.command()(_command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"reviewkit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _show: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    log.configure()


# --- bank -------------------------------------------------------------------------------------------------------------
@bank_app.command("list")
def bank_list(bank: BankOption = None, as_json: JsonOption = False) -> None:
    """List the scenarios.

    Example: reviewkit bank list --json
    """
    from reviewkit.bank import find_bank
    from reviewkit.views import bank_rows, print_table

    rows = bank_rows(find_bank(bank))
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        # Seven columns leave no room for words; the stack names the languages, too.
        print_table("Scenarios", [{name: value for name, value in row.items() if name != "languages"} for row in rows])


@bank_app.command("show")
def bank_show(
    slug: SlugArgument, bank: BankOption = None, rubrics: RubricsOption = None, as_json: JsonOption = False,
    key: Annotated[bool, typer.Option("--key", help="Also show the defects of the rubric.")] = False,
) -> None:  # fmt: skip
    """Show one scenario: what it assesses, for whom, its exercises.

    Example: reviewkit bank show checkout
    """
    from reviewkit.bank import find_bank
    from reviewkit.views import scenario_facts, scenario_text

    facts = scenario_facts(find_bank(bank, rubrics).entry(slug), key=key)
    typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else scenario_text(facts))


@bank_app.command("check")
def bank_check(
    slugs: Annotated[Optional[list[str]], typer.Argument(help="Scenarios; all by default.")] = None,  # noqa: UP045
    bank: BankOption = None, rubrics: RubricsOption = None, as_json: JsonOption = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Run nothing: only read the files.")] = False,
) -> None:  # fmt: skip
    """Prove the bank: every problem with file and line.

    Runs all proofs on head/ and reference/, hidden checks on reference, head and mutants, traces, probes and linters.

    Example: reviewkit bank check checkout
    """
    from reviewkit.bank import find_bank
    from reviewkit.bankcheck import canary_problems, read_problems
    from reviewkit.bankproof import run_problems

    found = find_bank(bank, rubrics)
    problems = []
    for slug in slugs or found.slugs:
        entry = found.entry(slug)
        now = read_problems(entry)
        broken = any(p.weight == "error" and p.line and "yaml" in p.file and "there is no such file" in p.text for p in now)
        if not read_only and not broken and entry.rubric_folder is not None and not _schema_broken(entry):
            now += run_problems(entry, lambda text: typer.echo(text, err=True))
        problems += now
    if not any(_schema_broken(e) for e in found):
        problems += canary_problems(found)
    if as_json:
        typer.echo(json.dumps([{"file": p.file, "line": p.line, "weight": p.weight, "text": p.text} for p in problems]))
    else:
        for problem in problems:
            typer.echo(str(problem))
        errors = sum(p.weight == "error" for p in problems)
        typer.echo(f"{_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}")
    raise typer.Exit(1 if any(p.weight == "error" for p in problems) else 0)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _schema_broken(entry: object) -> bool:
    from reviewkit.bank import ContentError, Entry

    assert isinstance(entry, Entry)  # noqa: S101 - keeps the import of Entry out of the command line's start
    try:
        _ = entry.scenario
        _ = entry.rubric if entry.rubric_folder is not None else None
    except ContentError:
        return True
    return False


@bank_app.command("schema")
def bank_schema(which: Annotated[str, typer.Argument(help="scenario, rubric or scorecard")]) -> None:
    """Print the JSON Schema of a file format, for editors.

    Example: reviewkit bank schema rubric > rubric.schema.json
    """
    from reviewkit.views import schema

    typer.echo(json.dumps(schema(which), indent=2))


# --- notebooks --------------------------------------------------------------------------------------------------------
@app.command()
def build(
    slugs: Annotated[Optional[list[str]], typer.Argument(help="Scenarios; all by default.")] = None,  # noqa: UP045
    bank: BankOption = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when a notebook differs.")] = False,
    guides: Annotated[bool, typer.Option("--guides", help="Build the interviewers' notebooks, which hold the key, instead.")] = False,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", help="With --guides: folder of the hiring side for <slug>.ipynb. Default: guide.ipynb beside each rubric."),
    ] = None,
    rubrics: RubricsOption = None,
) -> None:
    """Build the workbooks from the scenarios.

    Writes notebooks/<slug>.ipynb, without outputs except the forms.

    With --guides: a notebook for interviewers per scenario, with every flaw, what to ask, its proof to run live and the
    reference's fix beside the change. It is the answer key, so it is never written where a candidate gets it.

    Example: reviewkit build --check
    """
    from reviewkit.bank import find_bank
    from reviewkit.build import build as build_notebooks

    if guides:
        from reviewkit.guides.build import build_guides, told

        differing = build_guides(find_bank(bank, rubrics), tuple(slugs or ()), out, check=check)
        for line in told(differing, check=check):
            typer.echo(line)
        raise typer.Exit(1 if check and differing else 0)
    if out is not None or rubrics is not None:
        raise UsageError("--out and --rubrics belong to --guides.", "Workbooks are written to notebooks/ of the bank.")
    changed = build_notebooks(find_bank(bank), tuple(slugs or ()), check=check)
    for slug in changed:
        typer.echo(f"notebooks/{slug}.ipynb: differs. Run: reviewkit build {slug}" if check else f"notebooks/{slug}.ipynb: built")
    if not changed:
        typer.echo("notebooks are up to date")
    raise typer.Exit(1 if check and changed else 0)


@notebook_app.command("score")
def notebook_score() -> None:
    """Print the path of the scoring notebook, for plain papermill.

    Example: papermill "$(reviewkit notebook score)" out.ipynb -p submission done.ipynb -p out results
    """
    from reviewkit.scoringrun import scoring_notebook

    typer.echo(str(scoring_notebook()))


@notebook_app.command("desk")
def notebook_desk() -> None:
    """Print the path of the hiring desk's notebook.

    Example: cp "$(reviewkit notebook desk)" .
    """
    from reviewkit.hiringserver import notebook_path

    typer.echo(str(notebook_path("desk")))


@notebook_app.command("adjudicate")
def notebook_adjudicate() -> None:
    """Print the path of the raters' notebook.

    Copy it, or open it in your own JupyterLab.

    Example: cp "$(reviewkit notebook adjudicate)" .
    """
    from reviewkit.hiringserver import notebook_path

    typer.echo(str(notebook_path("adjudicate")))


@app.command("open")
def open_workbook(
    slug: Annotated[str, typer.Argument(help="Scenario, or a notebook made before to go on with.")],
    bank: BankOption = None,
    candidate: Annotated[str, typer.Option("--candidate", help="Opaque id of the candidate; no names.")] = "",
    folder: Annotated[Path, typer.Option("--folder", help="Where the copy and its record are kept.")] = Path("reviewkit-sessions"),
    preview: Annotated[bool, typer.Option("--preview", help="Show it as a candidate sees it; record nothing.")] = False,
    notebook: Annotated[bool, typer.Option("--notebook", help="Use Notebook 7 instead of JupyterLab.")] = False,
) -> None:
    """Serve a fresh workbook and print its link.

    The link holds a token and works on this machine only. The copy and its record stay in --folder when the server ends;
    give the notebook's path instead of a scenario to go on with it.

    Example: reviewkit open checkout --candidate c-17
    """
    from reviewkit.bank import find_bank
    from reviewkit.serve import resume, serve

    found, front = find_bank(bank), ("notebook" if notebook else "lab")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder.", "Name another with --folder.")
    if slug.endswith(".ipynb"):
        if not Path(slug).is_file():
            raise UsageError(f"{slug}: there is no such notebook.", "Name one that reviewkit open made, or a scenario.")
        served = resume(Path(slug), front=front, bank=found.root)  # type: ignore[arg-type]
    else:
        workbook = _workbook(found, slug)
        kept = None if preview else folder
        served = serve(workbook, folder=kept, candidate=candidate, preview=preview, front=front, bank=found.root)  # type: ignore[arg-type]
    with served:
        words = "A preview; nothing is recorded." if preview else f"The work is kept in {served.granted.notebook}."
        typer.echo(f"{words}\n\n    {served.url}\n\nCtrl+C ends the server.")
        served.wait()


def _workbook(found: Bank, slug: str) -> Path:
    """The built workbook of a scenario of the bank."""
    found.entry(slug)
    path = found.root / "notebooks" / f"{slug}.ipynb"
    if not path.is_file():
        raise DataError(f"notebooks/{slug}.ipynb", "is not built", f"Run: reviewkit build {slug}")
    return path


# --- scoring ----------------------------------------------------------------------------------------------------------
@app.command()
def demo(
    out: OutOption = Path("reviewkit-out"),
    bank: BankOption = None,
    rubrics: RubricsOption = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Afterwards serve a workbook in JupyterLab.")] = True,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score the sample interviews, then serve a workbook.

    Scores the completed notebooks that come with the bank, prints the table and where the reports are, then opens a fresh
    workbook as a candidate meets it and prints its link. Takes some minutes.

    Example: reviewkit demo --no-serve
    """
    from reviewkit.bank import find_bank
    from reviewkit.demo import demo_notebooks, score_and_show
    from reviewkit.serve import serve as start_server

    found = find_bank(bank, rubrics)
    rows = score_and_show(demo_notebooks(found), out, found.root, found.rubrics, jobs, as_json=as_json)
    failed = any(row.unscored or row.unchecked for row in rows)
    if not serve:
        raise typer.Exit(1 if failed else 0)
    first = next(e.slug for e in found if e.scenario.kind == "interview")
    with start_server(_workbook(found, first), folder=Path("reviewkit-sessions"), candidate="demo", bank=found.root) as served:
        typer.echo(f"\nA workbook as a candidate meets it:\n\n    {served.url}\n\nCtrl+C ends it.")
        served.wait()


app.command()(score)
app.command()(publish)
app.command()(desk)
app.command()(cockpit)
app.command()(playback)
app.command()(adjudicate)
app.command()(decide)
app.command()(feedback)
app.command()(export)
app.command("match")(match_file)


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Say what this machine can run and lacks.

    Example: reviewkit doctor
    """
    from reviewkit.doctor import examine

    parts = examine()
    if as_json:
        typer.echo(json.dumps([{"name": p.name, "fine": p.fine, "needed": p.needed, "text": p.text} for p in parts]))
    else:
        for part in parts:
            typer.echo(str(part))
    raise typer.Exit(1 if any(p.needed and not p.fine for p in parts) else 0)


def main() -> None:
    """Entry point: errors raised on purpose become one line and an exit code."""
    try:
        app()
    except ReviewkitError as error:
        typer.echo(f"reviewkit: {printable(str(error))}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
