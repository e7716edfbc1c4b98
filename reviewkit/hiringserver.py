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
from reviewkit.prerun import executed, start_session
from reviewkit.serve import Server, bring_up, data_folder, launch, private_folder
from reviewkit.trust import notary_of, sign

NAMES = ("adjudicate", "cockpit", "desk", "playback", "score")
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

    Returns:
        The server; the notebook's cells have run in the kernel that its page will use.

    Raises:
        ServeError: If the server or its kernel does not start.
    """
    private = private_folder()
    try:
        root = private / "notebook"
        root.mkdir()
        document = with_parameters(json.loads(notebook_path(name).read_text("utf-8")), parameters)
        file = root / f"{name}.ipynb"
        file.write_text(json.dumps(document, indent=1), "utf-8")
        variables = {BANK_VARIABLE: str(bank.root)}
        if bank.rubrics is not None:
            variables[RUBRICS_VARIABLE] = str(bank.rubrics)
        token, process = launch(private, root, "lab", variables)
    except BaseException:
        shutil.rmtree(private, ignore_errors=True)
        raise
    server = HiringServer(label=name, token=token, front="lab", process=process, private=private, notebook=file.name)
    bring_up(server, f"api/contents/{quote(file.name)}?content=0", lambda answer: answer.get("name") == file.name)
    try:
        kernel = start_session(server.base_url, token, file.name)
        done = executed(document, private / "runtime" / f"kernel-{kernel}.json")
        file.write_text(json.dumps(done, indent=1), "utf-8")
        sign(file, notary_of(data_folder()))  # or the page shows the forms as text
    except BaseException:
        server.stop()
        raise
    return server
