"""A file as it is read: lines numbered as errors name them, coloured by its language in the colours of the page's theme.

JupyterLab colours every cell of a Python notebook as Python, whatever its magic says.
"""

from __future__ import annotations

from html import escape
from typing import Final

from reviewkit.diff import tokens_by_line

MOST_LINES: Final = 5_000
MOST_CHARACTERS: Final = 500_000
"""A line of a bundle may be longer than any file that is read."""
MOST_COLOURED: Final = 20_000
"""Characters of one line; nobody reads the code of a longer one, and its colours are 20 times its size."""
_COLOURS: Final = {
    "keyword": ("k kc kd kn kp kr kt ow", 84, "font-weight: 600"),
    "string": ("s sa sb sc dl sd s2 se sh si sx sr s1 ss", 82, ""),
    "comment": ("c ch cm cp c1 cs", 70, "font-style: italic"),
    "number": ("m mb mf mh mi il mo", 70, ""),
    "def": ("nf nc fm", 78, ""),
    "meta": ("nd", 82, ""),
    "operator": ("o", 70, ""),
    "builtin": ("nb bp", 78, ""),
}
"""By part of a theme's variable: short names of Pygments, the share of that colour that is readable in both themes, what else."""
_FRAME: Final = "white-space: pre; max-height: 40em; overflow: auto; padding: 4px 8px; border: 1px solid var(--jp-border-color2, #bbb)"
"""On the element itself, since JupyterLab has rules of its own for what lies in an output."""
_TEXT: Final = "var(--jp-content-font-color1, currentcolor)"


def view(name: str, text: str) -> dict[str, str]:
    """A mime bundle: HTML for a notebook, the text itself for what shows no HTML. All of the text is escaped.

    Args:
        name: Of the file; its ending says the language.
        text: What it holds; lines after the first 5,000 are counted, not shown, and what comes after 500,000 characters is neither. With a
            line of more than 20,000 characters it is not coloured.
    """
    whole = text[:MOST_CHARACTERS]
    count = whole.count("\n") + (not whole.endswith("\n") and whole != "")
    shown = "\n".join(whole.split("\n")[:MOST_LINES]) + "\n" if count > MOST_LINES else whole
    is_for_people = max(map(len, shown.split("\n"))) <= MOST_COLOURED
    lines = tokens_by_line(name if is_for_people else "", shown)
    if shown.endswith("\n") or not shown:
        lines.pop()  # what comes after the last line break
    numbers = len(str(len(lines)))
    rows = [f'<span class="rk-n">{number:>{numbers}}</span>  {_line(tokens)}' for number, tokens in enumerate(lines, 1)]
    more = [f"... {count - len(lines)} more lines"] if count > len(lines) else []
    more += [f"... cut after {MOST_CHARACTERS:,} characters"] if len(text) > MOST_CHARACTERS else []
    title = f"{escape(name)}, {count} line{'s' if count != 1 else ''}{' or more' if len(text) > MOST_CHARACTERS else ''}"
    body = "\n".join(rows + more)
    pre = f'<pre tabindex="0" aria-label="{escape(name)}" style="{_FRAME}">{body}</pre>'
    html = f'<style>{_style()}</style><details open class="rk-view"><summary>{title}</summary>{pre}</details>'
    return {"text/html": html, "text/plain": "\n".join([shown.removesuffix("\n"), *more]) if more else text}


def _line(tokens: list[str]) -> str:
    """`[class, text, class, text, ...]` as spans."""
    parts = (
        f'<span class="rk-{short}">{escape(part)}</span>' if short else escape(part)
        for short, part in zip(tokens[::2], tokens[1::2], strict=True)
    )  # fmt: skip
    return "".join(parts).rstrip("\n")


def _style() -> str:
    rules = [
        f".rk-view .rk-n {{ user-select: none; color: color-mix(in srgb, {_TEXT} 66%, transparent); }}",
    ]
    for part, (shorts, share, more) in _COLOURS.items():
        names = ", ".join(f".rk-view .rk-{short}" for short in shorts.split())
        rules.append(f"{names} {{ color: color-mix(in srgb, var(--jp-mirror-editor-{part}-color, currentcolor) {share}%, {_TEXT}); {more} }}")
    return " ".join(rules)
