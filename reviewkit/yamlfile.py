"""Reading YAML: plain data only, by libyaml where it is there, which reads a rubric some ten times faster."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The data of a YAML file: mappings, lists, text, numbers.

    Raises:
        OSError: If it cannot be read.
        UnicodeDecodeError: If it is not UTF-8.
        yaml.YAMLError: If it is no YAML, or asks for objects.
    """
    return parse_yaml(path.read_bytes())


def parse_yaml(raw: bytes) -> Any:
    """The data of the bytes of a YAML file; see `read_yaml`.

    Raises:
        UnicodeDecodeError, yaml.YAMLError: As `read_yaml`.
    """
    return yaml.load(io.TextIOWrapper(io.BytesIO(raw), "utf-8").read(), _LOADER)  # noqa: S506 - both loaders are the safe one


def compose_yaml(path: Path) -> yaml.Node | None:
    """The document as nodes with their lines; None for an empty one.

    Raises:
        OSError, UnicodeDecodeError, yaml.YAMLError: As `read_yaml`.
    """
    node: yaml.Node | None = yaml.compose(path.read_text("utf-8"), _LOADER)
    return node
