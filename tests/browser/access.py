"""What axe finds wrong with what people see."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

EXEMPT = frozenset({"heading-order"})
"""JupyterLab's own levels around ours decide the order of headings."""


def faults(page: Page, *within: str) -> list[str]:
    """Violations inside these parts of a page of JupyterLab, one line each.

    JupyterLab's body has no height and hides what stands out of it, for which reason axe would take all text for hidden and
    look at the contrast of hardly any.
    """
    page.evaluate("document.body.style.overflow = 'visible'")
    try:
        found: list[dict[str, Any]] = Axe().run(page, context={"include": [[part] for part in within]}).response["violations"]
    finally:
        page.evaluate("document.body.style.overflow = ''")
    return [
        f"{fault['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
        for fault in found
        if fault["id"] not in EXEMPT
        for node in fault["nodes"][:8]
    ]
