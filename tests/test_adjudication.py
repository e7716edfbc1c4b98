"""Raters decide what waits for a person: blind, by effect on the result, and no word is ever lost."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import made_results
import pytest
from made_results import BANK, CANDIDATE, FILE
from rich.console import Console

from reviewkit import decisions
from reviewkit.adjudicate_terminal import work
from reviewkit.adjudicate_widget import AdjudicateWidget
from reviewkit.adjudication import TAKEN_BACK, Scope, open_tasks
from reviewkit.assess import assess
from reviewkit.cli import main
from reviewkit.decision_file import lines, read_lines
from reviewkit.outfolder import OutFolder, find_submission
from reviewkit.ratingdesk import Desk, now
from reviewkit.refresh import refresh, stale
from reviewkit.row import Row
from reviewkit.scorecard import WITHDRAWN, Decision, DecisionKind
from reviewkit.submission import read_submission


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scored")


@pytest.fixture
def folder(place: Path, tmp_path: Path) -> OutFolder:
    return made_results.fresh(place, tmp_path)


@dataclass(frozen=True)
class Done:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def reviewkit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """The command line in this process: starting one each time is most of such a test's time."""
    monkeypatch.setenv("REVIEWKIT_BANK", str(BANK.root))
    monkeypatch.delenv("REVIEWKIT_RUBRICS", raising=False)

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["reviewkit", *arguments])
        code: object = 0
        try:
            main()
        except SystemExit as left:
            code = left.code
        out, err = capsys.readouterr()
        return Done(int(code or 0), out, err)  # type: ignore[call-overload]

    return run


def sha_of(folder: OutFolder, file: str = FILE) -> str:
    return next(row.sha256 for row in folder.cohort() if row.file == file)


def desk(folder: OutFolder, rater: str = "r1", *shas: str, scope: Scope = Scope.OPEN) -> Desk:
    return Desk.open(folder, BANK, rater, shas or list(folder.scored()), scope=scope)


def stored(folder: OutFolder, sha: str) -> tuple[Decision, ...]:
    return asyncio.run(decisions.of(folder.store_url, sha))


def go_to(at: Desk, kind: DecisionKind, *, pair: bool | None = None) -> None:
    """Skip to the first open task of a kind."""
    for _ in at.session.tasks:
        task = at.session.current
        assert task is not None
        if task.kind is kind and (pair is None or pair == (task.defect is not None)):
            return
        at.next()
    pytest.fail(f"no task of kind {kind}")


# --- the queue ----------------------------------------------------------------------------------------------------------
def test_the_queue_holds_what_is_open_gates_first_then_by_effect(folder: OutFolder) -> None:
    at = desk(folder)
    cards = {sha: folder.card(row) for sha, row in folder.scored().items()}
    assert at.session.tasks == open_tasks(cards)
    assert len(at.session.tasks) == sum(len(card.queue) for card in cards.values())
    kinds = [task.kind for task in at.session.tasks]
    gates = kinds.count(DecisionKind.GATE)
    assert gates == 3
    assert set(kinds[:gates]) == {DecisionKind.GATE}
    assert set(kinds) == set(DecisionKind) - {DecisionKind.HINT}
    effects = [task.effect for task in at.session.tasks[gates:]]
    assert effects == sorted(effects, reverse=True)
    assert effects[0] > effects[-1]


def test_every_task_says_what_to_decide_and_on_what(folder: OutFolder) -> None:
    items = desk(folder).open_items()
    assert {item["kind"] for item in items} == {kind.value for kind in DecisionKind if kind is not DecisionKind.HINT}
    for item in items:
        assert item["question"]
        assert item["key"], item["title"]
        assert len(item["answers"]) >= 2  # type: ignore[arg-type]
    pair = next(item for item in items if item["kind"] == "finding" and item["defect"] and item["scenario"] == "checkout")
    (remark,) = pair["remarks"]  # type: ignore[misc]
    assert remark["body"]
    assert sum(line["is_meant"] for line in remark["code"]) >= 1
    head = BANK.entry("checkout").folder / "head"
    name = remark["place"].split(",")[0]
    line = next(line for line in remark["code"] if line["is_meant"])
    assert (head / name).read_text("utf-8").split("\n")[line["number"] - 1] == line["text"]
    rating = next(item for item in items if item["kind"] == "rating" and item["scenario"] == "checkout")
    levels = BANK.entry("checkout").rubric.levels
    assert [words for _, _, words, _ in rating["answers"]] == [  # type: ignore[attr-defined]
        f"Mark {mark}: {text}" for mark, text in sorted(next(v for k, v in levels.items() if k == "communication").items())
    ]


def said_by(other: str, items: Sequence[dict[str, object]]) -> dict[str, list[Decision]]:
    """Decisions of another rater on everything that is open."""
    found: dict[str, list[Decision]] = {}
    for item in items:
        about = {name: item[name] for name in ("finding", "defect", "item")}
        outcome = next(outcome for _, outcome, _, asks in item["answers"] if not asks)  # type: ignore[attr-defined]
        made = Decision(kind=item["kind"], **about, outcome=outcome, author=other, time=now(), reason="secretreason")  # type: ignore[arg-type]
        found.setdefault(str(item["submission"]), []).append(made)
    return found


def test_a_rater_sees_no_candidate_no_file_no_score_and_nothing_of_another_rater(folder: OutFolder) -> None:
    before = desk(folder, "r1").open_items()
    others = said_by("rater-two", before)
    for sha, said in others.items():
        asyncio.run(decisions.add(folder.store_url, sha, said))
    refresh(folder, BANK, stale(folder))
    after = desk(folder, "r1").open_items()
    assert after == before, "what another rater decided shows nowhere, not even by its absence"
    screen = Console(file=io.StringIO(), width=160)
    work(desk(folder, "r1"), Typed("j" * (len(before) - 1) + "q"), screen)
    text = json.dumps(after) + screen.file.getvalue() + json.dumps(AdjudicateWidget(desk(folder, "r1")).view)  # type: ignore[attr-defined]
    for secret in (CANDIDATE, "cand-2", "jane", FILE, "noisy-1", "rater-two", "secretreason"):
        assert secret not in text, secret
    for row in folder.scored().values():
        assert f"{row.total}" not in text
        assert f"{row.total:.1f} of" not in text


def test_candidate_text_is_shown_as_text_without_steering_characters(folder: OutFolder) -> None:
    text = json.dumps(desk(folder).open_items(), ensure_ascii=False)
    screen = Console(file=io.StringIO(), width=160, force_terminal=False)
    work(desk(folder), Typed("j" * 80 + "q"), screen)
    for shown in (text, screen.file.getvalue()):  # type: ignore[attr-defined]
        assert "<img src=x onerror=alert(1)>" in shown
        assert "<U+202E>" in shown
        assert not {"\u202e", "\x1b"} & set(shown)


# --- deciding -----------------------------------------------------------------------------------------------------------
def test_a_decision_is_stored_and_closes_the_task(folder: OutFolder) -> None:
    at = desk(folder)
    task = at.session.current
    assert task is not None
    number = at.session.left
    made = at.decide("fail", "  never mentions it  ")
    assert stored(folder, task.sha256) == (made,)
    assert (made.author, made.reason, made.outcome, made.item) == ("r1", "never mentions it", "fail", task.item)
    assert at.session.left == number - 1
    assert at.session.current != task
    assert task not in desk(folder).session.tasks, "the rater goes on later where it was left"
    assert task in desk(folder, "r2").session.tasks, "another rater decides it too"


@pytest.mark.parametrize(("outcome", "reason"), [("matched", "a match is no gate"), ("pass", ""), ("pass", "x" * 4001), ("withdrawn!", "no")])
def test_what_is_no_decision_is_refused_and_nothing_is_stored(folder: OutFolder, outcome: str, reason: str) -> None:
    at = desk(folder)
    task = at.session.current
    with pytest.raises(ValueError, match=r"."):
        at.decide(outcome, reason)
    assert at.session.current == task
    assert task is not None
    assert stored(folder, task.sha256) == ()


def test_taking_back_keeps_the_first_word(folder: OutFolder) -> None:
    at = desk(folder)
    task = at.session.current
    assert task is not None
    at.decide("pass", "first")
    assert at.undo() is not None
    assert at.session.current == task
    assert at.session.said(task) is None
    kept = stored(folder, task.sha256)
    assert [(d.outcome, d.reason) for d in kept] == [("pass", "first"), (WITHDRAWN, TAKEN_BACK)]
    at.decide("fail", "second")
    assert [d.outcome for d in stored(folder, task.sha256)] == ["pass", WITHDRAWN, "fail"]
    assert desk(folder).session.left == at.session.left
    again = desk(folder)
    assert again.undo() is None, "only what was decided in this sitting"


def test_taking_a_change_of_mind_back_brings_the_earlier_word(folder: OutFolder) -> None:
    at = desk(folder)
    task = at.session.current
    assert task is not None
    at.decide("pass", "first")
    at.back()
    at.decide("fail", "no, after all")
    at.undo()
    assert [d.outcome for d in stored(folder, task.sha256)] == ["pass", "fail", "pass"]
    word = at.session.said(task)
    assert word is not None
    assert word.outcome == "pass"


def test_what_a_decision_opens_comes_up_in_the_same_sitting(folder: OutFolder) -> None:
    """A remark whose only open match is rejected is a remark outside the key: is it valid?"""
    at = desk(folder)
    go_to(at, DecisionKind.FINDING, pair=True)
    task = at.session.current
    assert task is not None
    pairs = [t for t in at.session.tasks if t.sha256 == task.sha256 and t.finding == task.finding and t.defect]
    for pair in pairs:
        while at.session.current != pair:
            at.next()
        at.decide("not matched", "says something else")
    opened = [t for t in at.session.tasks if t.finding == task.finding and t.defect is None and t.kind is DecisionKind.FINDING]
    assert len(opened) == 1
    while at.session.current != opened[0]:
        at.next()
    shown = at.shown()
    assert shown is not None
    title = dict(shown.defects)
    wanted = next(name for name in title if name not in {p.defect for p in pairs})
    with pytest.raises(ValueError, match="no flaw"):
        at.decide("matched", "it is that one", "nothing-of-this-name")
    made = at.decide("matched", "it is that one", wanted)
    assert (made.finding, made.defect, made.outcome) == (task.finding, wanted, "matched")
    row = folder.scored()[task.sha256]
    refresh(folder, BANK, stale(folder))
    card = folder.card(folder.scored()[row.sha256])
    assert next(d for d in card.defects if d.id == wanted).finding == task.finding


def test_what_is_settled_can_be_overruled(folder: OutFolder) -> None:
    sha = sha_of(folder)
    card = folder.card(folder.scored()[sha])
    at = desk(folder, "r1", sha, scope=Scope.ALL)
    assert at.session.tasks[: len(card.queue)] == desk(folder, "r1", sha).session.tasks
    taken = next(d for d in card.defects if d.state == "credited")
    while at.session.current is None or at.session.current.key != ("finding", taken.finding, taken.id, ""):
        at.next()
    at.decide("not matched", "says the opposite")
    assert at.undo() is not None
    at.decide("not matched", "says the opposite, twice")
    refresh(folder, BANK, stale(folder))
    after = next(d for d in folder.card(folder.scored()[sha]).defects if d.id == taken.id)
    assert (after.program_state, after.points) == (taken.state, 0.0)
    assert taken.points > 0
    report = (folder.root / folder.scored()[sha].report).read_text("utf-8")
    assert "says the opposite, twice" in report


# --- the terminal -------------------------------------------------------------------------------------------------------
class Typed:
    """A rater's keys: single letters, and lines between them as strings of their own."""

    def __init__(self, keys: str | Sequence[str]) -> None:
        self.keys: Iterator[str] = iter(keys)

    def key(self) -> str:
        pressed = next(self.keys)
        if pressed == "\x03":
            raise KeyboardInterrupt
        return pressed

    def line(self, prompt: str) -> str | None:
        typed = next(self.keys)
        return None if typed == "\x03" else typed


def test_the_terminal_asks_for_a_reason_and_offers_the_last_one(folder: OutFolder) -> None:
    at = desk(folder)
    screen = Console(file=io.StringIO(), width=120)
    work(at, Typed(["y", "", "y", "because", "n", "", "x", "u", "1", "a new one", "\x03"]), screen)
    said = [d for sha in folder.scored() for d in stored(folder, sha)]
    assert sorted((d.outcome, d.reason) for d in said) == [
        ("fail", "because"), ("pass", "a new one"), ("pass", "because"), (WITHDRAWN, TAKEN_BACK),
    ]  # fmt: skip
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "needs a reason" in text
    assert "'x' is no answer here" in text


def test_a_real_terminal(folder: OutFolder) -> None:
    command = [sys.executable, "-m", "reviewkit.cli", "adjudicate", str(folder.root), "--rater", "r1", "--bank", str(BANK.root)]
    terminal, inside = pty.openpty()
    process = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, env={**os.environ, "COLUMNS": "160"}, start_new_session=True)
    os.close(inside)
    seen = b""

    def until(mark: bytes) -> None:
        nonlocal seen
        while mark not in seen:
            assert select.select([terminal], [], [], 120)[0], seen.decode()
            seen += os.read(terminal, 65536)

    until(b"q stop")
    os.write(terminal, b"y")
    until(b"Reason")
    os.write(terminal, b"well explained\n")
    until(b"2 of ")
    os.write(terminal, b"q")
    with suppress(OSError):
        until(b"up to date")
        while os.read(terminal, 65536):
            pass
    assert process.wait(60) == 0
    os.close(terminal)
    (sha,) = asyncio.run(decisions.everything(folder.store_url))
    assert [d.reason for d in stored(folder, sha)] == ["well explained"]
    assert "well explained" in (folder.root / folder.scored()[sha].report).read_text("utf-8")


# --- scoring again ------------------------------------------------------------------------------------------------------
def test_scoring_again_equals_a_full_score_with_the_same_decisions(folder: OutFolder) -> None:
    sha = sha_of(folder)
    for said in said_by("r1", desk(folder, "r1", sha).open_items()).values():
        asyncio.run(decisions.add(folder.store_url, sha, said))
    assert stale(folder) == [sha]
    before = folder.card(folder.scored()[sha])
    (row,) = refresh(folder, BANK, [sha])
    full = assess(read_submission(folder.staged(sha)), BANK, None, decided=stored(folder, sha))
    assert (folder.root / row.scorecard).read_bytes() == full.card.canonical_json().encode()
    assert full.card.program_total == before.total
    assert full.card.total != before.total
    assert stale(folder) == []
    assert [r.file for r in folder.cohort()] == [FILE, "small.ipynb"], "names and order of the batch stay"
    assert folder.cohort()[0].waiting == len(full.card.queue)
    csv = (folder.root / "cohort.csv").read_text("utf-8")
    assert f'"{row.total}"' in csv
    shown = f"{row.total:.1f}".rstrip("0").rstrip(".")
    assert f'<td class="n">{shown}</td>' in (folder.root / "cohort.html").read_text("utf-8")


def test_results_of_other_versions_are_not_used(folder: OutFolder) -> None:
    from reviewkit.runs import Runs, keep, kept

    sha = sha_of(folder)
    entry = BANK.entry("checkout")
    path = folder.runs_file(sha)
    runs = kept(path, entry)
    assert runs is not None
    keep(path, Runs(versions=runs.versions.model_copy(update={"rubric": "0.9.0"}), checks=runs.checks))
    assert kept(path, entry) is None
    path.write_text("{", "utf-8")
    assert kept(path, entry) is None
    path.unlink()
    assert kept(path, entry) is None


def test_a_decision_about_something_that_is_gone_is_reported_and_changes_nothing(folder: OutFolder) -> None:
    sha = sha_of(folder)
    before = folder.card(folder.scored()[sha]).total
    gone = [
        Decision(kind=DecisionKind.GATE, item="old-gate", outcome="fail", author="r1", time=now(), reason="x"),
        Decision(finding="nothing", defect="old-defect", outcome="matched", author="r1", time=now(), reason="x"),
    ]
    asyncio.run(decisions.add(folder.store_url, sha, gone))
    (row,) = refresh(folder, BANK, stale(folder))
    assert folder.card(row).total == before
    report = (folder.root / row.report).read_text("utf-8")
    for name in ("old-gate", "old-defect", "nothing"):
        assert f"{name}&#39;, which is not there" in report


def test_a_missing_copy_is_one_sentence_and_the_decision_stays(folder: OutFolder, reviewkit: Callable[..., Done]) -> None:
    sha = sha_of(folder)
    asyncio.run(decisions.add(folder.store_url, sha, [Decision(kind=DecisionKind.GATE, item="event-loop", outcome="pass", author="r1", time=now(), reason="x")]))
    folder.staged(sha).unlink()
    done = reviewkit("adjudicate", str(folder.root), "--rater", "r1", "--import", os.devnull)
    assert done.returncode == 1
    assert "the copy of this submission is gone; the decisions are kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(stored(folder, sha)) == 1


# --- two raters ---------------------------------------------------------------------------------------------------------
def gate(author: str, outcome: str, reason: str) -> Decision:
    return Decision(kind=DecisionKind.GATE, item="event-loop", outcome=outcome, author=author, time=now(), reason=reason)


def test_a_split_is_open_and_shown_to_those_who_have_decided(folder: OutFolder) -> None:
    sha = sha_of(folder)
    assert desk(folder, "r1", scope=Scope.DISPUTED).session.tasks == ()
    asyncio.run(decisions.add(folder.store_url, sha, [gate("r1", "pass", "said in remark 3")]))
    assert desk(folder, "r1", scope=Scope.DISPUTED).session.tasks == (), "one rater is no dispute"
    asyncio.run(decisions.add(folder.store_url, sha, [gate("r2", "fail", "only repeats the title")]))
    refresh(folder, BANK, stale(folder))
    card = folder.card(folder.scored()[sha])
    assert next(g for g in card.gates if g.id == "event-loop").outcome == "needs a person"
    (task,) = desk(folder, "r1", scope=Scope.DISPUTED).session.tasks
    assert task.item == "event-loop"
    mine = desk(folder, "r1", scope=Scope.DISPUTED).shown()
    third = desk(folder, "r3", scope=Scope.DISPUTED)
    blind = third.shown()
    assert mine is not None
    assert blind is not None
    assert mine.others == (("r2", "fail", "only repeats the title"),)
    assert mine.mine == ("pass", "said in remark 3")
    assert blind.others == ()
    assert "only repeats" not in json.dumps(blind.as_dict())
    third.decide("fail", "a third reading")
    assert desk(folder, "r1", scope=Scope.DISPUTED).session.tasks == ()
    (row,) = refresh(folder, BANK, stale(folder))
    assert next(g for g in folder.card(row).gates if g.id == "event-loop").outcome == "fail"
    report = (folder.root / row.report).read_text("utf-8")
    for words in ("said in remark 3", "only repeats the title", "a third reading", "Program alone"):
        assert words in report


def test_two_marks_have_a_mean_and_are_no_dispute(folder: OutFolder) -> None:
    sha = sha_of(folder)
    marks = [Decision(kind=DecisionKind.RATING, item="communication", outcome=m, author=a, time=now(), reason="x") for a, m in (("r1", "2"), ("r2", "4"))]
    asyncio.run(decisions.add(folder.store_url, sha, marks))
    assert desk(folder, "r1", scope=Scope.DISPUTED).session.tasks == ()
    (row,) = refresh(folder, BANK, stale(folder))
    card = folder.card(row)
    rated = next(d for d in card.dimensions if d.dimension == "communication")
    assert rated.scored
    assert rated.points == pytest.approx(rated.points_max * 2 / 3, abs=1e-4)
    assert card.total.over == 100 or card.total.over == card.program_total.over + rated.points_max  # type: ignore[union-attr]


# --- files and the command line -----------------------------------------------------------------------------------------
def test_bad_lines_are_named_one_by_one_and_good_ones_are_kept(folder: OutFolder, tmp_path: Path, reviewkit: Callable[..., Done]) -> None:
    sha = sha_of(folder)
    good = {"submission": sha[:8], "kind": "gate", "item": "event-loop", "outcome": "pass", "reason": "clear"}
    bad = [
        "{", "[]", json.dumps({**good, "submission": "ffffffff"}), json.dumps({**good, "item": "nothing"}),
        json.dumps({**good, "outcome": "perhaps"}), json.dumps({**good, "author": "r9"}), json.dumps({**good, "reason": ""}),
        json.dumps({**good, "time": "2999-01-01T00:00:00Z"}), json.dumps({**good, "extra": 1}), json.dumps({**good, "reason": "\ud800"}),
        json.dumps({k: v for k, v in good.items() if k != "submission"}), "[" * 100_000,
    ]  # fmt: skip
    file = tmp_path / "decisions.jsonl"
    file.write_text("\n".join([json.dumps(good), *bad, ""]), "utf-8")
    done = reviewkit("adjudicate", str(folder.root), "--rater", "r1", "--import", str(file))
    assert done.returncode == 1, done.stderr
    problems = [line for line in done.stderr.splitlines() if line.startswith("decisions.jsonl")]
    assert len(problems) == len(bad)
    for number, line in enumerate(problems, 2):
        assert line.startswith(f"decisions.jsonl: line {number}: ")
        assert line.endswith("import the file again.")
    assert "Traceback" not in done.stderr
    assert [d.reason for d in stored(folder, sha)] == ["clear"]
    assert "1 decisions taken" in done.stdout
    assert folder.card(folder.scored()[sha]).decisions == stored(folder, sha), "and the files are made again"


def test_export_and_import_give_the_same_decisions_once(folder: OutFolder, reviewkit: Callable[..., Done]) -> None:
    sha = sha_of(folder)
    said = {sha: [gate("r1", "pass", "é ✓"), gate("r1", "fail", "later")]}
    asyncio.run(decisions.add(folder.store_url, sha, said[sha]))
    text = "\n".join(lines(said))
    rows, cards = list(folder.scored().items()), {s: folder.card(r) for s, r in folder.scored().items()}
    again = read_lines(text, rows, cards, said, rater="r1", now=now())
    assert (again.decisions, again.problems, again.known) == ({}, (), 2)
    elsewhere = read_lines(text, rows, cards, {}, rater="r1", now=now())
    assert {s: list(d) for s, d in elsewhere.decisions.items()} == said
    done = reviewkit("adjudicate", str(folder.root), "--export")
    assert done.stdout.splitlines() == text.split("\n")


def test_list_is_json_of_what_is_open(folder: OutFolder, reviewkit: Callable[..., Done]) -> None:
    done = reviewkit("adjudicate", str(folder.root), "--rater", "r1", "--list", "--json", "--submission", sha_of(folder)[:8])
    assert done.returncode == 0, done.stderr
    items = json.loads(done.stdout)
    assert len(items) == len(folder.card(folder.scored()[sha_of(folder)]).queue)
    assert CANDIDATE not in done.stdout
    assert not stale(folder)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--list"], 2, "Say who decides."),
        (["--rater", "r1"], 2, "This needs a terminal."),
        (["--rater", "r1", "--submission", "zz"], 2, "No submission 'zz' here."),
        (["--rater", "r1", "--import", "nowhere.jsonl"], 2, "cannot be read"),
    ],
)
def test_wrong_use_is_one_sentence(folder: OutFolder, arguments: list[str], code: int, words: str, reviewkit: Callable[..., Done]) -> None:
    done = reviewkit("adjudicate", str(folder.root), *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_results_is_one_sentence(tmp_path: Path, reviewkit: Callable[..., Done]) -> None:
    done = reviewkit("adjudicate", str(tmp_path), "--rater", "r1")
    assert done.returncode == 2
    assert "holds no scored submissions" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_submission_is_found_by_hash_report_file_or_candidate() -> None:
    rows = [("a" * 64, Row("x.ipynb", "a" * 64, "c-1", report="reports/s-a.html")), ("ab" * 32, Row("y.ipynb", "ab" * 32, "c-1"))]
    assert find_submission(rows, "abab") == "ab" * 32
    assert find_submission(rows, "s-a") == "a" * 64
    assert find_submission(rows, "y.ipynb") == "ab" * 32
    for asked in ("c-1", "a", "zzzz"):
        with pytest.raises(Exception, match=r"names 2 submissions|No submission"):
            find_submission(rows, asked)


# --- the widget's kernel side -------------------------------------------------------------------------------------------
def test_the_widget_stores_once_and_says_what_it_did(folder: OutFolder) -> None:
    sha = sha_of(folder)
    widget = AdjudicateWidget(desk(folder, "r1", sha))
    first = widget.view
    message = {"type": "decide", "number": first["number"], "outcome": "pass", "reason": "clear", "defect": None}
    widget._received(widget, message, [])
    widget._received(widget, message, [])
    assert [d.outcome for d in stored(folder, sha)] == ["pass"], "a key pressed twice decides once"
    assert widget.view["said"] == "Stored: pass."
    widget._received(widget, {"type": "decide", "number": widget.view["number"], "outcome": "nonsense", "reason": "x"}, [])
    assert widget.view["said"].startswith("Not stored: ")
    widget._received(widget, {"type": "undo", "number": widget.view["number"]}, [])
    assert [d.outcome for d in stored(folder, sha)] == ["pass", WITHDRAWN]
    widget._received(widget, {"type": "finish", "number": widget.view["number"]}, [])
    assert stale(folder) == []
    assert "0x" not in repr(widget)


# --- what people decide about the candidate ------------------------------------------------------------------------------
def test_a_hiring_decision_is_a_persons_and_the_earlier_one_stays(folder: OutFolder, reviewkit: Callable[..., Done]) -> None:
    before = folder.card(folder.scored()[sha_of(folder)])
    html = (folder.root / folder.scored()[sha_of(folder)].report).read_text("utf-8")
    assert "Hiring decision" in html
    for words, author in (("=invite <b>", "kim"), ("hold", "lee")):
        arguments = ("--decision", words, "--author", author, "--reason", f"because {author}")
        done = reviewkit("decide", str(folder.root), CANDIDATE, *arguments)
        assert done.returncode == 0, done.stderr
    row = folder.cohort()[0]
    assert (row.decision, row.decided_by, row.file) == ("hold", "lee", FILE)
    html = (folder.root / row.report).read_text("utf-8")
    assert html.index("because lee") < html.index("because kim")
    assert "=invite &lt;b&gt;" in html
    assert ">hold" in (folder.root / "cohort.html").read_text("utf-8")
    assert '"hold","lee"' in (folder.root / "cohort.csv").read_text("utf-8")
    assert folder.card(folder.scored()[row.sha256]).total == before.total
    assert reviewkit("decide", str(folder.root), FILE, "--decision", "=1+1", "--author", "kim", "--reason", "x").returncode == 0
    assert "\"'=1+1\"" in (folder.root / "cohort.csv").read_text("utf-8")


@pytest.mark.parametrize("empty", ["--decision", "--author", "--reason"])
def test_a_hiring_decision_needs_who_what_and_why(folder: OutFolder, empty: str, reviewkit: Callable[..., Done]) -> None:
    given = {"--decision": "invite", "--author": "kim", "--reason": "strong", empty: " "}
    done = reviewkit("decide", str(folder.root), CANDIDATE, *(word for pair in given.items() for word in pair))
    assert done.returncode == 2
    assert f"{empty}: " in done.stderr
    assert folder.cohort()[0].decision == ""


def test_a_team_puts_its_own_notice_in_the_report(folder: OutFolder, tmp_path: Path) -> None:
    from reviewkit.notice import notice_html, use_notice

    sha = sha_of(folder)
    assert "people decide" in (folder.root / folder.scored()[sha].report).read_text("utf-8")
    (tmp_path / "ours.md").write_text("Read **this** & <b>that</b>.\n\n$minutes minutes of $scenario, $other ** kept", "utf-8")
    use_notice(tmp_path / "ours.md", folder.root)
    (row,) = refresh(folder, BANK, [sha])
    html = (folder.root / row.report).read_text("utf-8")
    assert "<p>Read <strong>this</strong> &amp; &lt;b&gt;that&lt;/b&gt;.</p>" in html
    scenario = BANK.entry("checkout").scenario
    assert f"<p>{notice_html(f'{scenario.minutes} minutes of {scenario.title}, $other ** kept', {})[3:-4]}</p>" in html
    assert "people decide" not in html


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"\xff", "cannot be read"), (b"x" * 20_001, "longer than")])
def test_a_notice_that_cannot_be_used_is_one_sentence(tmp_path: Path, content: bytes, words: str, reviewkit: Callable[..., Done]) -> None:
    (tmp_path / "n.md").write_bytes(content)
    path = made_results.submissions(tmp_path)["small.ipynb"]
    done = reviewkit("score", str(path), "--out", str(tmp_path / "out"), "--notice", str(tmp_path / "n.md"))
    assert done.returncode == 1
    assert words in done.stderr
    assert not (tmp_path / "out" / "reports").exists()
