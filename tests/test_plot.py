"""Charts are escaped, finite and the same on every run."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from reviewkit.harness import bars, lines
from reviewkit.plot import Share, shares, svg, table, ticks


@pytest.mark.parametrize(
    "plot",
    [
        bars("Units", {"sold": 20, "left": 9, "oversold": -10}),
        bars("None", {}),
        lines("Beat", {"tick": [(0, 0.01), (1, 0.5)], "empty": []}, x="seconds", y="gap"),
        lines("Nothing", {}),
        lines("Flat", {"a": [(0, 0), (0, 0)]}),
    ],
)
def test_every_plot_is_well_formed(plot: object) -> None:
    text = svg(plot)  # type: ignore[arg-type]
    ET.fromstring(text)  # noqa: S314 - our own output
    assert text == svg(plot)  # type: ignore[arg-type]
    assert "nan" not in text.lower().replace("nan=", "")


def test_markup_in_labels_is_text() -> None:
    text = svg(bars("<script>x</script>", {'"><img src=x>': 1}, y="<b>"))
    assert "<script" not in text
    assert "<img" not in text
    assert "<b>" not in text
    assert "<td>&lt;i&gt;</td>" in table([{"a": "<i>"}])


def test_ticks_cover_the_range() -> None:
    for low, high in ((0, 1), (0, 0.003), (-7, 12), (0, 1e9), (5, 5)):
        marks = ticks(low, high)
        assert marks[0] <= low
        assert marks[-1] >= high
        assert 2 <= len(marks) <= 12


def test_shares_show_whole_names_and_what_is_open() -> None:
    text = shares("Found <by>", [Share("testing observability", 2, 4, 1), Share("<i>", 0, 0), Share("api", 3, 3)])
    ET.fromstring(text)  # noqa: S314 - our own output
    assert "testing observability" in text
    assert "2 of 4 (+1 open)" in text
    assert "stroke-dasharray" in text
    assert "<i>" not in text
    assert "stroke-dasharray" not in shares("x", [Share("api", 3, 3)])


def test_counts_get_whole_marks() -> None:
    axis = svg(bars("n", {"a": 1, "b": 2}))
    assert ">0.5<" not in axis
    assert ">2<" in axis
    assert ">0.5<" in svg(bars("n", {"a": 0.5, "b": 2}))
