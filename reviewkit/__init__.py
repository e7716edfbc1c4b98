"""reviewkit: a Jupyter workbook for code-review interviews.

Importing the package is cheap: names below are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reviewkit.cohort import load_scorecards
    from reviewkit.runtimes.gates import gate

__version__ = "0.1.0"
__all__ = ["__version__", "gate", "load_scorecards"]

_HOMES = {
    "gate": "reviewkit.runtimes.gates",
    "load_scorecards": "reviewkit.cohort",
    "_jupyter_server_extension_points": "reviewkit.server",
    "_load_jupyter_server_extension": "reviewkit.server",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'reviewkit' has no attribute {name!r}")
    return getattr(import_module(home), name)
