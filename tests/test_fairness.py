"""Groups are compared from an outside table at report time, by measures that agree with other people's; nothing of it stays."""

from __future__ import annotations

import json
import random
from pathlib import Path

import made_archive as made
import pytest
import references

from reviewkit.errors import DataError, UsageError
from reviewkit.fairness import ALL, MEANING, Scored, compare, ratio_interval, standardised_difference
from reviewkit.grouptable import read_groups
from reviewkit.safe_text import visible

SLUG = "transactions"
SECRET, OTHER = "group-omega-7f3a", "group-sigma-91bc"


def people(*shares: tuple[str, int, int]) -> tuple[list[Scored], dict[str, str]]:
    """Groups given as (name, people, passes); totals are 80 or 20."""
    scored: list[Scored] = []
    groups: dict[str, str] = {}
    for name, n, passed in shares:
        for at in range(n):
            scored.append(Scored(f"{name}-{at}", "s", 80.0 if at < passed else 20.0 + at % 10))
            groups[f"{name}-{at}"] = name
    return scored, groups


# --- measures
def test_the_ratio_and_the_test_are_those_of_the_field() -> None:
    scored, groups = people(("a", 20, 12), ("b", 15, 4))
    (found,) = compare(scored, groups, "column", {"s": 50})
    assert found.reference == "a"
    b = next(g for g in found.groups if g.name == "b")
    assert b.ratio == pytest.approx((4 / 15) / (12 / 20), abs=1e-4)
    theirs = references.statsmodels().proportion.confint_proportions_2indep(4, 15, 12, 20, compare="ratio", method="score", correction=False)
    assert (b.ratio_low, b.ratio_high) == pytest.approx(tuple(theirs), abs=1e-4)
    assert b.p == pytest.approx(references.scipy_stats().fisher_exact([[4, 11], [12, 8]]).pvalue, abs=1e-4)
    one, other = ([s.percent for s in scored if groups[s.candidate] == name] for name in ("b", "a"))
    assert b.difference == pytest.approx(references.pingouin().compute_effsize(one, other, eftype="hedges"), abs=1e-3)
    assert (b.difference_low or 0) < (b.difference or 0) < (b.difference_high or 0)


@pytest.mark.parametrize("seed", range(5))
def test_ratio_intervals_are_those_of_statsmodels(seed: int) -> None:
    draw = random.Random(seed)
    n, m = draw.randint(5, 60), draw.randint(5, 60)
    x, y = draw.randint(1, n - 1), draw.randint(1, m - 1)
    theirs = references.statsmodels().proportion.confint_proportions_2indep(x, n, y, m, compare="ratio", method="score", correction=False)
    assert ratio_interval(x, n, y, m) == pytest.approx(tuple(theirs), rel=1e-6)


def test_ratio_intervals_hold_at_the_ends() -> None:
    for x, n, y, m in ((0, 8, 5, 9), (8, 8, 9, 9), (5, 5, 1, 5), (1, 5, 5, 5), (0, 5, 1, 5)):
        low, high = ratio_interval(x, n, y, m)
        assert 0 <= low <= (x * m) / (n * y) <= (high or 1e9)
    assert ratio_interval(0, 8, 5, 9)[0] == 0


def test_the_rule_and_the_test_may_disagree_and_the_words_say_so() -> None:
    few = people(("a", 6, 3), ("b", 6, 2))
    (found,) = compare(*few, "c", {"s": 50})
    small = found.groups[1]
    assert (small.ratio or 1) < 0.8
    assert (small.p or 0) > 0.05
    assert "chance alone" in small.words
    many = people(("a", 900, 800), ("b", 900, 740))
    (found,) = compare(*many, "c", {"s": 50})
    large = found.groups[1]
    assert (large.ratio or 0) > 0.8
    assert (large.p or 1) < 0.05
    assert "rarely so by chance" in large.words
    assert "may disagree" in MEANING


def test_small_groups_are_left_out_unnamed_and_alone_nothing_is_compared() -> None:
    (found,) = compare(*people(("a", 9, 3), ("b", 8, 3), ("tiny", 4, 1)), "c", {"s": 50})
    assert ({g.name for g in found.groups}, found.small) == ({"a", "b"}, 1)
    (alone,) = compare(*people(("a", 9, 3), ("tiny", 4, 1)), "c", {"s": 50})
    assert (alone.groups, alone.small) == ((), 1)
    assert "nothing to compare" in alone.words


def test_degenerate_groups_give_words_not_numbers() -> None:
    (nobody,) = compare(*people(("a", 6, 0), ("b", 6, 0)), "c", {"s": 90})
    assert nobody.groups[1].ratio is None
    assert "nobody passes" in nobody.groups[1].words
    assert nobody.groups[1].p == 1
    assert standardised_difference([5.0] * 5, [5.0] * 5) is None
    scored = [Scored(f"{g}{at}", "s", 50.0) for g in "ab" for at in range(5)]
    (same,) = compare(scored, {s.candidate: s.candidate[0] for s in scored}, "c", {"s": 50})
    assert same.groups[1].difference is None


def test_scenarios_are_compared_apart_then_together_by_their_own_spread() -> None:
    """A hard scenario that one group happened to get does not make a difference of totals."""
    scored = [Scored(f"a{at}", "easy", 70.0 + at) for at in range(6)] + [
        Scored(f"b{at}", "hard", 30.0 + at) for at in range(6)
    ]
    groups = {s.candidate: s.candidate[0] for s in scored}
    found = compare(scored, groups, "c", {"easy": 72, "hard": 32})
    assert [c.scenario for c in found] == ["easy", "hard", ALL]
    assert found[-1].groups[1].difference == pytest.approx(0)
    twice = [Scored("a", "s", 40.0), Scored("a", "s", 60.0)] + [Scored(f"x{n}", "s", 1.0) for n in range(5)]
    (mean,) = compare(twice, {"a": "x", **{f"x{n}": "x" for n in range(5)}}, "c", {"s": 50})
    assert mean.words


# --- the table
def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_a_table_is_read_by_column(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", "\ufeffid,one,two", "c-1,x,", 'c-2,"y, z",q', "c-1,x,")
    assert read_groups(path, ["one", "two"], "id") == {"one": {"c-1": "x", "c-2": "y, z"}, "two": {"c-2": "q"}}


def test_bad_tables_are_named_in_one_sentence_without_their_values(tmp_path: Path) -> None:
    twice = table(tmp_path / "twice.csv", "candidate,g", f"c-1,{SECRET}", f"c-1,{OTHER}")
    with pytest.raises(DataError) as caught:
        read_groups(twice, ["g"])
    assert "line 3" in str(caught.value)
    assert SECRET not in str(caught.value)
    for name, columns, error in (("no.csv", ["g"], UsageError), ("twice.csv", ["nope"], UsageError)):
        with pytest.raises(error):
            read_groups(tmp_path / name, columns)
    (tmp_path / "bad.csv").write_bytes(b"candidate,g\n\xff\xfe,\n")
    with pytest.raises(DataError):
        read_groups(tmp_path / "bad.csv", ["g"])


# --- the command
@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Ten scored reviews and a table, five of each group."""
    base = tmp_path_factory.mktemp("fairness")
    hashes = made.archive(base / "out", made.samples(SLUG, 10), SLUG)
    rows = [f"{review},{SECRET if at % 2 else OTHER},age-5{at}" for at, review in enumerate(sorted(hashes))]
    return base / "out", table(base / "groups.csv", "candidate,kind,age", *rows)


def everything(out: Path) -> bytes:
    return b"".join(path.name.encode() + path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file())


def test_nothing_of_the_table_is_left_in_the_folder(scored: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("REVIEWKIT_BANK", str(made.made.ROOT))
    out, groups = scored
    before = everything(out)
    code, said, complaint = made.run("fairness", str(out), "--groups", str(groups), "--by", "kind")
    assert (code, complaint) == (0, "")
    assert SECRET in said
    assert "impact ratio" in said
    assert "four-fifths" in said
    to = groups.parent / "report.json"
    assert (
        made.run(
            "fairness",
            str(out),
            "--groups",
            str(groups),
            "--by",
            "kind",
            "--pass-from",
            "40",
            "--to",
            str(to),
            "--json",
        )[0]
        == 0
    )
    data = json.loads(to.read_text("utf-8"))
    assert {g["name"] for g in data["comparisons"][0]["groups"]} == {SECRET, OTHER}
    assert "age-5" not in to.read_text("utf-8") + said  # columns that were not asked for are not looked at
    assert everything(out) == before
    assert SECRET.encode() not in before


def test_files_in_the_folder_are_refused(scored: tuple[Path, Path]) -> None:
    out, groups = scored
    inside = out / "report.txt"
    code, _, complaint = made.run("fairness", str(out), "--groups", str(groups), "--by", "kind", "--to", str(inside))
    assert (code, "lies in" in complaint, inside.exists()) == (2, True, False)
    code, _, complaint = made.run("fairness", str(out), "--groups", str(out / "cohort.csv"), "--by", "kind")
    assert (code, "lies in" in complaint) == (2, True)


@pytest.mark.parametrize(("level", "fact"), [("excellent", "has no such band"), ("140", "not between 0 and 100")])
def test_a_level_that_is_not_there_is_said(
    scored: tuple[Path, Path], level: str, fact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVIEWKIT_BANK", str(made.made.ROOT))
    out, groups = scored
    code, said, complaint = made.run(
        "fairness", str(out), "--groups", str(groups), "--by", "kind", "--pass-from", level
    )
    assert (code, said, fact in complaint) == (2, "", True)


def test_a_group_of_hostile_text_is_shown_as_written(
    scored: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out, groups = scored
    evil = "[red]x\x1b[2J\u202e"
    hostile = table(
        tmp_path / "h.csv", *(line.replace(SECRET, evil) for line in groups.read_text("utf-8").splitlines())
    )
    code, said, _ = made.run("fairness", str(out), "--groups", str(hostile), "--by", "kind", "--pass-from", "40")
    assert code == 0
    assert visible(evil)[:12] in said
    assert "\x1b[2J" not in said
    assert "\u202e" not in said
