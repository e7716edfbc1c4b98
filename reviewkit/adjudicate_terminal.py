"""Adjudication on a terminal: one task on the screen, one key for an answer, one line for the reason."""

from __future__ import annotations

from contextlib import suppress

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from reviewkit.exhibit import Exhibit, Remark
from reviewkit.keyboard import Keys
from reviewkit.ratingdesk import Desk

HELP = "j next (later)   k back   u take back   ? the whole task again   q stop (what is decided is kept)"


def work(desk: Desk, keys: Keys, console: Console) -> None:
    """Go through the tasks until nothing is left or the rater stops; every answer is stored at once."""
    for trouble in desk.troubles:
        console.print(Text(trouble, style="yellow"), soft_wrap=True)
    with suppress(KeyboardInterrupt):
        while _goes_on(desk, keys, console):
            pass


def _goes_on(desk: Desk, keys: Keys, console: Console) -> bool:
    """Show what is to be done and take an answer; False when the rater stops."""
    shown = desk.shown()
    if shown is None:
        console.print(Text("Nothing is left to decide. u takes the last decision back, k goes back, any other key ends.", style="bold"))
        pressed = keys.key().lower() if desk.session.tasks else "q"
        if pressed == "k":
            desk.back()
            return True
        return pressed == "u" and desk.undo() is not None
    show(shown, console, f"{desk.session.at + 1} of {len(desk.session.tasks)}, {desk.session.left} open")
    return _answered(desk, shown, keys, console)


def _answered(desk: Desk, shown: Exhibit, keys: Keys, console: Console) -> bool:
    """Take keys until one leads to another task; False when the rater stops."""
    while True:
        pressed = keys.key().lower()
        if pressed == "q":
            return False
        if pressed in ("j", "s", "k"):
            desk.back() if pressed == "k" else desk.next()
            return True
        if pressed == "?":
            return True
        if pressed == "u":
            undone = desk.undo()
            console.print(Text("Taken back; the first word stays on record." if undone else "Nothing to take back in this sitting."))
            if undone:
                return True
            continue
        found = _find(shown, pressed)
        if found is None:
            console.print(Text(f"{pressed!r} is no answer here. {HELP}"))
        elif _decided(desk, shown, found, keys, console):
            return True


def _find(shown: Exhibit, pressed: str) -> tuple[str, str, str, bool] | None:
    """The answer for a letter, or for its number."""
    for at, answer in enumerate(shown.answers, 1):
        if pressed == answer[0] or (pressed == str(at) and not any(a[0] == pressed for a in shown.answers)):
            return answer
    return None


def _decided(
    desk: Desk, shown: Exhibit, answer: tuple[str, str, str, bool], keys: Keys, console: Console
) -> bool:
    """Ask what an answer needs and store it; False when the rater gave it up."""
    _, outcome, words, asks_defect = answer
    console.print(Text(f"→ {words}", style="bold"))
    defect = None
    if asks_defect:
        for at, (_name, title) in enumerate(shown.defects, 1):
            console.print(Text(f"  {at:>2}  {title}"))
        typed = keys.line("Number of the flaw: ")
        if typed is None or not typed.strip().isdecimal() or not 1 <= int(typed) <= len(shown.defects):
            console.print(Text("No flaw was chosen, so nothing was stored."))
            return False
        defect = shown.defects[int(typed) - 1][0]
    last = desk.session.last_reason
    hint = f" [Enter: “{last[:60]}”]" if last else ""
    reason = keys.line(f"Reason{hint}: ")
    said = (reason or "").strip() or (last if reason is not None else "")
    if not said:
        console.print(Text("A decision needs a reason, so nothing was stored. Choose again."))
        return False
    try:
        desk.decide(outcome, said, defect)
    except ValueError:
        console.print(Text("The reason is longer than 4000 characters or cannot be stored. Choose again."))
        return False
    opinion = desk.opinion()
    if opinion is not None:
        console.print(Text(f"Stored. {opinion[0]}: {opinion[1]} (k looks at the item again)", style="magenta"))
    return True


def show(shown: Exhibit, console: Console, position: str) -> None:
    """Print a task."""
    console.print()
    console.print(Rule(Text(f"{shown.title}  ({position})", style="bold"), align="left"))
    console.print(Text(f"Submission {shown.submission}, scenario {shown.scenario}", style="dim"))
    for remark in shown.remarks:
        _show_remark(remark, console)
    for heading, text in shown.texts:
        _block(heading, text, console)
    for heading, statements in shown.key:
        _block(heading, "\n".join(f"· {statement}" for statement in statements), console, "cyan")
    if shown.reasons:
        _block("The program", "\n".join(f"· {reason}" for reason in shown.reasons), console, "dim")
    for rater, outcome, reason in shown.others:
        _block(f"{rater} said: {outcome}", reason, console, "magenta")
    if shown.opinion:
        _block(*shown.opinion, console, "magenta")
    if shown.mine:
        _block(f"Your word so far: {shown.mine[0]}", shown.mine[1], console, "green")
    console.print(Text(f"\n{shown.question}", style="bold"))
    for key, _outcome, words, _asks in shown.answers:
        console.print(Text(f"  {key}  {words}"))
    console.print(Text(f"  {HELP}", style="dim"))


def _show_remark(remark: Remark, console: Console) -> None:
    late = ", made after the exercises" if remark.is_late else ""
    console.print(Text(f"\nRemark {remark.number} on {remark.place} ({remark.severity}, {remark.category}{late})", style="bold"))
    for heading, text in (("", remark.body), ("Why it matters: ", remark.why), ("What to do: ", remark.fix)):
        if text:
            console.print(Padding(Text(heading + text), (0, 0, 0, 2)))
    for line in remark.code:
        console.print(Text(f"{'>' if line.is_meant else ' '} {line.number:>4} {line.text}", style="bold" if line.is_meant else ""))


def _block(heading: str, text: str, console: Console, style: str = "") -> None:
    console.print(Text(f"\n{heading}", style="bold"))
    console.print(Padding(Text(text, style=style), (0, 0, 0, 2)))
