"""Notebooks of ours as text, written fast."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def notebook_text(notebook: Mapping[str, Any]) -> str:
    """nbformat 4 as JSON with one cell a line: Python's compiled encoder makes no indents, and the other is many times slower."""
    cells = ",\n".join(json.dumps(cell, ensure_ascii=False) for cell in notebook["cells"])
    rest = json.dumps({key: value for key, value in notebook.items() if key != "cells"}, ensure_ascii=False)
    return f'{{"cells": [\n{cells}\n], {rest[1:]}\n'
