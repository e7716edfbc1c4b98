"""Where in a YAML file a key stands, so that a problem can name its line."""

from __future__ import annotations

from pathlib import Path

import yaml

from reviewkit.yamlfile import compose_yaml

Loc = tuple[int | str, ...]


class YamlLines:
    """Lines of a YAML document's nodes by path of keys and indices."""

    def __init__(self, path: Path) -> None:
        try:
            self._root = compose_yaml(path)
        except (OSError, yaml.YAMLError, UnicodeDecodeError):
            self._root = None

    def line(self, loc: Loc) -> int:
        """Line of the deepest part of `loc` that exists, 1-based; 1 when nothing does."""
        node, line = self._root, 1
        for part in loc:
            child = _child(node, part)
            if child is None:
                break
            node, line = child, child.start_mark.line + 1
        return line

    def line_of(self, section: str, item_id: str) -> int:
        """Line of the item with this id in a list, such as `defects`."""
        for item in getattr(_child(self._root, section), "value", None) or []:
            scalar = _child(item, "id")
            if scalar is not None and scalar.value == item_id:
                return int(item.start_mark.line) + 1
        return self.line((section,))


def _child(node: yaml.Node | None, part: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value  # type: ignore[no-any-return]
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part]  # type: ignore[no-any-return]
    return None
