"""Serve a notebook of the hiring side: ours, with our parameters, in a server that shows nothing else.

The server's root is a folder that holds this one notebook. No notebook of a candidate can be opened through it, so none
can be run; what candidates wrote reaches the page as text in a widget.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reviewkit.bank import BANK_VARIABLE, RUBRICS_VARIABLE, Bank
from reviewkit.serve import Server, bring_up, launch, private_folder

NAMES = ("adjudicate", "score")
"""Notebooks of the package."""


def notebook_path(name: str) -> Path:
    """Where a notebook of the package lies."""
    return Path(str(files("reviewkit") / "notebooks" / f"{name}.ipynb"))


@dataclass(kw_only=True)
class HiringServer(Server):
    """A running server with one notebook of ours."""

    notebook: str

    @property
    def url(self) -> str:
        """Address of the notebook; see `page`."""
        return self.page(self.label, self.notebook)


def with_parameters(document: dict[str, Any], parameters: Mapping[str, object]) -> dict[str, Any]:
    """A notebook of ours with other values in its `parameters` cell; comments stay."""

    def filled(source: str) -> str:
        for name, value in parameters.items():
            line = f"{name} = {value!r}  ".replace("\\", "\\\\")
            source = re.sub(rf"^{name} = [^#\n]*", line, source, flags=re.MULTILINE)
        return source

    cells = [
        {**cell, "source": filled(cell["source"])} if "parameters" in cell["metadata"].get("tags", []) else cell
        for cell in document["cells"]
    ]
    return {**document, "cells": cells}


def serve_notebook(name: str, parameters: Mapping[str, object], bank: Bank) -> HiringServer:
    """Start a server for a notebook of the package.

    Args:
        name: One of `NAMES`.
        parameters: Values for its `parameters` cell; plain Python values.
        bank: With rubrics.

    Raises:
        ServeError: If the server does not start.
    """
    private = private_folder()
    try:
        root = private / "notebook"
        root.mkdir()
        document = json.loads(notebook_path(name).read_text("utf-8"))
        file = root / f"{name}.ipynb"
        file.write_text(json.dumps(with_parameters(document, parameters), indent=1), "utf-8")
        variables = {BANK_VARIABLE: str(bank.root)}
        if bank.rubrics is not None:
            variables[RUBRICS_VARIABLE] = str(bank.rubrics)
        token, process = launch(private, root, "lab", variables)
    except BaseException:
        shutil.rmtree(private, ignore_errors=True)
        raise
    server = HiringServer(label=name, token=token, front="lab", process=process, private=private, notebook=file.name)
    bring_up(server, f"api/contents/{quote(file.name)}?content=0", lambda answer: answer.get("name") == file.name)
    return server
