"""The page that says why an invite was not opened: own template, every value escaped, no script, no request."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from reviewkit.opening import RefusedError

STYLE: Final = """
:root { color-scheme: light dark; --bg: #fff; --ink: #1b1f24; --dim: #57606a; --line: #d8dee4; --accent: #1f5fa8; }
@media (prefers-color-scheme: dark) { :root { --bg: #14181d; --ink: #e4e8ec; --dim: #9aa4ae; --line: #343c45; --accent: #7db4f0; } }
body { margin: 0; background: var(--bg); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 620px; margin: 12vh auto 0; padding: 0 24px 60px; }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 12px; }
p { margin: 10px 0; overflow-wrap: anywhere; }
a { color: var(--accent); }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
footer { margin-top: 32px; padding-top: 12px; border-top: 1px solid var(--line); color: var(--dim); font-size: 13px; }
"""
_DIGEST: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy of the page."""


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reviewkit", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def refusal_page(refused: RefusedError, kept: str) -> str:
    """HTML of the page.

    Args:
        refused: Why.
        kept: Address of the candidate's work with this invite on this server; empty when there is none.
    """
    template = _environment().get_template("refusal.html.j2")
    return template.render(
        style=Markup(STYLE),  # noqa: S704 - a constant of ours, hashed in the policy
        fact=refused.fact,
        next_step=refused.next_step,
        reason=refused.reason,
        kept=kept,
    )
