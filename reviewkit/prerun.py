"""Run a notebook of ours before anybody opens it: its outputs are there, and its widgets live in the kernel it will have.

JupyterLab attaches a notebook to the session that its path already has, and asks that kernel for the widgets' state; so
a form is there on opening without a cell run in the page. Only for notebooks that reviewkit wrote itself just now.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from jupyter_client.blocking.client import BlockingKernelClient
from nbformat import NotebookNode
from nbformat.v4 import output_from_msg

from reviewkit.errors import ServeError

CELL_SECONDS: Final = 120.0
"""For one cell; reading a store and an intake that does not answer takes some 10."""
_SHOWN: Final = frozenset(("stream", "display_data", "execute_result", "error"))
Document = dict[str, Any]


def start_session(base_url: str, token: str, notebook: str) -> str:
    """Start a kernel for a notebook of a server; the kernel's id.

    Args:
        base_url: Root of the server, with a final slash.
        token: Of the server.
        notebook: Its contents path.

    Raises:
        ServeError: If the server starts none.
    """
    body = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{base_url}api/sessions", json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return str(json.load(answer)["kernel"]["id"])
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise ServeError("The Jupyter server started no kernel", "Check with: jupyter kernelspec list") from None


def executed(document: Document, connection_file: Path) -> Document:
    """A notebook of ours with the outputs that a running kernel gives; ends at the first cell that fails.

    Args:
        document: nbformat 4 as plain data.
        connection_file: Of the kernel, on this machine.

    Raises:
        ServeError: If the kernel does not answer.
    """
    client = BlockingKernelClient(connection_file=str(connection_file))
    client.load_connection_file()
    client.start_channels(hb=False)  # a kernel that imports on a busy machine misses beats and is well
    try:
        client.wait_for_ready(timeout=CELL_SECONDS)
        cells, failed = [], False
        for cell in document["cells"]:
            is_run = cell["cell_type"] == "code" and not failed
            made = _run(client, cell) if is_run else cell
            failed = failed or any(output["output_type"] == "error" for output in made.get("outputs", ()))
            cells.append(made)
        return {**document, "cells": cells}
    except (RuntimeError, TimeoutError):
        raise ServeError(f"The kernel did not answer within {CELL_SECONDS:g} seconds", "Try again.") from None
    finally:
        client.stop_channels()


def _run(client: BlockingKernelClient, cell: dict[str, Any]) -> dict[str, Any]:
    """A cell with its outputs."""
    outputs: list[NotebookNode] = []

    def keep(message: dict[str, Any]) -> None:
        if message["msg_type"] in _SHOWN:
            outputs.append(output_from_msg(message))

    reply = client.execute_interactive(
        cell["source"], allow_stdin=False, output_hook=keep, timeout=CELL_SECONDS, store_history=True
    )
    return {**cell, "outputs": outputs, "execution_count": reply["content"]["execution_count"]}
