"""Options of `reviewkit score` for a second opinion, and what is said about it before and after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reviewkit.opinionclient import Endpoint
    from reviewkit.row import Row

OpinionOption = Annotated[
    str,
    typer.Option("--second-opinion", metavar="URL", help="Also ask a language model about what waits for a person; see above."),
]
OpinionModelOption = Annotated[
    str, typer.Option("--second-opinion-model", metavar="NAME", help="The model to ask there.")
]


def endpoint_of(url: str, model: str) -> Endpoint | None:
    """Who is asked for a second opinion, said before anything is sent; None where nobody was named."""
    if not url and not model:
        return None
    from reviewkit.opinionclient import Endpoint, key_from_environment
    from reviewkit.opinionviews import announced

    endpoint = Endpoint.of(url, model)
    key_from_environment()
    typer.echo(announced(endpoint), err=True)
    return endpoint


def tell_of(endpoint: Endpoint | None, rows: Sequence[Row], out: Path) -> None:
    """Say what came of it; nothing where nobody was asked."""
    if endpoint is not None:
        from reviewkit.opinionviews import told

        typer.echo(told(rows, out), err=True)
