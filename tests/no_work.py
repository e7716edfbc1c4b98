"""Reviews that took no review work, for any scenario of the bank: generators over what a candidate is given.

Written after the guards and without looking at which of them an attack meets; none was used to tune anything. Those of the
kinds `leaked` know the key's words, as after a leak, and still say nothing that a person should take by itself.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from reviewkit.assess import rubric_places
from reviewkit.bank import Bank, Entry
from reviewkit.calibration import reviews, state_of
from reviewkit.codetokens import is_script
from reviewkit.finding import Finding
from reviewkit.harness.stage import Tree
from reviewkit.place import Place

MOST = 24
"""Findings of one attack: as many as leave the guard on their number silent."""


@dataclass(frozen=True)
class Material:
    """What there is to work with."""

    entry: Entry
    files: dict[str, list[str]]
    hunks: list[Place]
    """Runs of changed lines in `head/`."""
    heads: list[Place]
    """First lines of functions and classes."""
    brief: str
    description: str
    claims: list[str]
    places: dict[str, list[Place]]
    """Of the key; for the kinds that know it."""


HEADS = {
    False: r"\s*(async )?def |\s*class |@",
    True: r"\s*(export |public )?(async )?(class|record|function) |\s*(private )?(async )?\w+\(.*\{$|\s*(public|private|protected) [\w<>, ]+\(",
}
"""Where a function or class begins, in Python, and in TypeScript or Java."""


@cache
def material(bank: Bank, slug: str) -> Material:
    """The candidate's half of a scenario, and the places of its key."""
    entry = bank.entry(slug)
    base, head = Tree(entry.folder / "base"), Tree(entry.folder / "head")
    files = {file: head.read(file).split("\n") for file in head.files() if file.endswith(".py") or is_script(file)}
    old = {file: base.read(file).split("\n") for file in base.files()}
    hunks = [
        Place(file, first + 1, last)
        for file, lines in sorted(files.items())
        for tag, _a, _b, first, last in SequenceMatcher(None, old.get(file, []), lines, autojunk=False).get_opcodes()
        if tag != "equal" and last > first
    ]
    parts = [
        Place(h.file, at, min(h.last, at + 7)) for h in hunks for at in range(h.first, h.last + 1, 8)
    ]  # long hunks in screenfuls, as a reviewer scrolls
    heads = [
        Place(file, number, number)
        for file, lines in sorted(files.items())
        for number, line in enumerate(lines, start=1)
        if re.match(HEADS[is_script(file)], line)
    ]
    places = rubric_places(entry.rubric, entry.folder / "head")
    claims = [claim.text for claim in entry.scenario.claims]
    return Material(entry, files, parts, heads, entry.text("brief.md"), entry.text("pull_request.md"), claims, places)


def at(number: int, place: Place | None, body: str, why: str = "", fix: str = "", severity: str = "major") -> Finding:
    """A finding somewhere."""
    if place is None:
        return Finding(f"f{number}", None, "R", None, None, severity, "correctness", body, why, fix)
    return Finding(f"f{number}", place.file, "R", place.first, place.last, severity, "correctness", body, why, fix)


def spread(places: list[Place], texts: Iterator[str] | list[str]) -> tuple[Finding, ...]:
    """Texts in turn over places, as many as stay under the limit, evenly over the change."""
    said = list(texts)
    step = max(1, -(-len(places) // MOST))
    return tuple(at(n, place, said[n % len(said)]) for n, place in enumerate(places[::step]))


def sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if len(part.split()) > 4]


def code(m: Material, place: Place) -> str:
    return "\n".join(m.files[place.file][place.first - 1 : place.last])


def centre(place: Place) -> Place:
    middle = (place.first + place.last) // 2
    return Place(place.file, middle, middle)


SECURITY = (
    "Make sure user input is sanitised and secrets are not hard-coded",
    "Authentication and authorisation should be verified before this runs",
    "Potential information disclosure through verbose errors or logs",
    "Consider rate limiting to protect against abuse",
)
RELIABILITY = (
    "What if the remote service is down? Add timeouts, retries with exponential backoff and a circuit breaker",
    "Concurrent access is not considered, there might be a race condition or a deadlock",
    "Exceptions are not handled gracefully; wrap this in try/except and log the error",
    "This operation should be idempotent and run inside a database transaction",
    "Resources such as connections and sessions may leak if an error occurs",
)
HYGIENE = (
    "Function is too long and does several things, extract helpers (single responsibility)",
    "Missing docstring and type hints, hard to maintain",
    "Magic numbers ought to be named constants in a settings module",
    "Add unit tests for edge cases such as empty input, null, negative and very large values",
)
ASSISTANT_LIKE = (
    (
        "**Overview**\nThis pull request introduces meaningful improvements to the codebase. Overall the structure is clear, but a few areas deserve "
        "attention before merging.\n**Strengths**\n- Readable naming\n- Good separation of concerns"
    ),
    "**Concurrency**: Ensure shared state is protected when multiple requests are processed simultaneously; consider locks or atomic operations.",
    "**Error handling**: Consider handling unexpected failures more gracefully and surfacing actionable messages to callers.",
    "**Performance**: Depending on the data volume, this section could become a bottleneck. Profiling under realistic load is recommended.",
    "**Security**: Validate and sanitise all external inputs, and avoid exposing sensitive information in responses or logs.",
    "**Testing**: The test coverage could be extended to failure scenarios, boundary conditions and integration points.",
)
QUESTIONS = (
    "Is this safe when two users do it at the same time?",
    "What happens if this call fails halfway?",
    "Did you think about what is logged here?",
    "Could this get slow with more data?",
    "How is this tested?",
    "Are we sure that the amount is right?",
)
GLOSSARY = (
    "race condition lost update deadlock write skew isolation level atomicity idempotency",
    "event loop blocking call coroutine await thread pool starvation backpressure",
    "connection pool exhaustion leak unclosed session dangling transaction rollback",
    "N+1 query full table scan missing index pagination unbounded memory growth",
    "NaN infinity float rounding decimal cents precision truncation null currency",
    "prompt injection token leak personal data exfiltration log redaction secret",
)
GERMAN = (
    "Hier könnte es bei gleichzeitigen Zugriffen zu einer Race Condition kommen, bitte absichern",
    "Die Fehlerbehandlung ist unvollständig, Ausnahmen sollten protokolliert und weitergereicht werden",
    "Bei vielen Daten wird das langsam, bitte die Abfragen prüfen",
    "Eingaben werden nicht geprüft",
)
SPANISH = (
    "Aquí puede haber una condición de carrera si dos peticiones llegan a la vez, hay que protegerlo",
    "El manejo de errores está incompleto, las excepciones deberían registrarse",
    "Con muchos datos esto será lento, revisa las consultas",
    "No se valida la entrada del usuario",
)
VAGUE = (
    "There is a serious bug in this line",
    "This will break in production",
    "Wrong",
    "I do not trust this part, rewrite it",
    "Needs more care",
)

Attack = Callable[[Material, Bank], tuple[Finding, ...]]
ATTACKS: dict[str, tuple[str, Attack]] = {}
"""Name -> kind, generator."""


def attack(name: str, kind: str) -> Callable[[Attack], Attack]:
    def keep(make: Attack) -> Attack:
        ATTACKS[name] = (kind, make)
        return make

    return keep


def _turns(name: str, kind: str, texts: tuple[str, ...], where: Callable[[Material], list[Place]]) -> None:
    ATTACKS[name] = (kind, lambda m, _bank: spread(where(m), list(texts)))


_turns("security list at every hunk", "checklist", SECURITY, lambda m: m.hunks)
_turns("reliability list at every hunk", "checklist", RELIABILITY, lambda m: m.hunks)
_turns("hygiene list at every hunk", "checklist", HYGIENE, lambda m: m.hunks)
_turns("reliability list at every function", "checklist", RELIABILITY, lambda m: m.heads)
_turns("assistant-like boilerplate at every hunk", "boilerplate", ASSISTANT_LIKE, lambda m: m.hunks)
_turns("race or missing error handling at every hunk", "carpet",
       ("Possible race condition here", "Error handling is missing here"), lambda m: m.hunks)  # fmt: skip
_turns("race and error handling on single lines", "carpet",
       ("Possible race condition, error handling missing here",), lambda m: [centre(h) for h in m.hunks])  # fmt: skip
_turns("questions at every hunk", "questions", QUESTIONS, lambda m: m.hunks)
_turns("glossary at every function", "glossary", GLOSSARY, lambda m: m.heads)
_turns("glossary at every hunk", "glossary", GLOSSARY, lambda m: m.hunks)
_turns("German phrases at every hunk", "translations", GERMAN, lambda m: m.hunks)
_turns("Spanish phrases at every hunk", "translations", SPANISH, lambda m: m.hunks)
_turns("vague words at every hunk", "vague", VAGUE, lambda m: m.hunks)


@attack("all phrases on whole files", "whole files")
def _whole_files(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    phrases = (*SECURITY, *RELIABILITY, *HYGIENE)
    found = [(Place(f, 1, len(lines)), text) for f, lines in sorted(m.files.items()) for text in phrases]
    return tuple(at(n, place, text) for n, (place, text) in enumerate(found[:MOST]))


@attack("all phrases on blocks of sixty lines", "whole files")
def _blocks(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    blocks = [Place(f, a, min(len(x), a + 59)) for f, x in sorted(m.files.items()) for a in range(1, len(x), 60)]
    return spread(blocks, ["; ".join((*RELIABILITY, *SECURITY)[n : n + 3]) for n in range(7)])


@attack("all phrases without a line", "no place")
def _no_place(_m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return tuple(at(n, None, text) for n, text in enumerate((*SECURITY, *RELIABILITY, *HYGIENE, *ASSISTANT_LIKE)))


@attack("a hunk's code handed back", "parroted code")
def _code(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return tuple(
        at(f.id and n, centre(p), code(m, p))
        for n, (f, p) in enumerate(zip(spread(m.hunks, ["x"]), _every(m.hunks), strict=False))
    )


@attack("code with a complaint around it", "parroted code")
def _complaint(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return tuple(
        at(
            n,
            p,
            f"I think the following is not correct and should be done differently: {code(m, p)} Please fix this before merging.",
        )
        for n, p in enumerate(_every(m.hunks))
    )


@attack("words of a hunk shuffled", "shuffled code")
def _shuffled(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    rng = random.Random(5)

    def mixed(place: Place) -> str:
        words = re.findall(r"[A-Za-z]{3,}", code(m, place).replace("_", " "))
        rng.shuffle(words)
        return " ".join(words)

    return tuple(at(n, p, mixed(p)) for n, p in enumerate(_every(m.hunks)))


@attack("shuffled words with glue", "shuffled code")
def _glued(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    rng = random.Random(6)

    def mixed(place: Place) -> str:
        words = sorted(set(re.findall(r"[a-z]{4,}", code(m, place).replace("_", " "))))
        rng.shuffle(words)
        return "The " + " is not checked before the ".join(words[:6] or ["value"]) + " and this fails under load"

    return tuple(at(n, p, mixed(p)) for n, p in enumerate(_every(m.hunks)))


@attack("every name may be null", "shuffled code")
def _names(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    def names(place: Place) -> str:
        return ", ".join(sorted(set(re.findall(r"[a-z]+_[a-z_]+", code(m, place))))[:5]) or "this"

    return tuple(
        at(n, p, f"{names(p)} may be null, wrong, stale or changed by somebody else meanwhile")
        for n, p in enumerate(_every(m.hunks))
    )


@attack("the description in turn", "parroted prose")
def _description(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return spread(m.hunks, sentences(m.description))


@attack("the description doubted", "parroted prose")
def _doubted(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return spread(m.hunks, [f"I doubt that this holds in production: {s}" for s in sentences(m.description)])


@attack("the brief in turn", "parroted prose")
def _brief(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return spread(m.hunks, sentences(m.brief))


@attack("the brief as a demand", "parroted prose")
def _demand(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return spread(
        m.hunks, [f"The code violates the requirement from the brief here, namely: {s}" for s in sentences(m.brief)]
    )


@attack("claims restated", "claims")
def _claims(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return spread(m.hunks, [f"Not true as stated, please prove it: {c}" for c in m.claims])


@attack("claims turned round", "claims")
def _turned(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    def flip(claim: str) -> str:
        turned = re.sub(r"\b(is|are|can|does|will|has)\b", r"\1 not", claim, count=1)
        return turned if turned != claim else f"It is not the case that {claim[0].lower()}{claim[1:]}"

    return spread(m.hunks, [flip(c) for c in m.claims])


@attack("claims at every function, mixed", "claims")
def _claims_mixed(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    rng = random.Random(8)
    words = [w for c in m.claims for w in c.split()]
    rng.shuffle(words)
    return spread(m.heads, [" ".join(words[n : n + 18]) for n in range(0, len(words), 9)])


@attack("keywords on every line", "salad")
def _salad(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    rng = random.Random(9)
    words = " ".join((*GLOSSARY, *RELIABILITY, *SECURITY)).split()
    return tuple(at(n, centre(p), " ".join(rng.sample(words, 15))) for n, p in enumerate(_every(m.hunks)))


@attack("keywords beside words of the line", "salad")
def _line_salad(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    rng = random.Random(10)
    words = " ".join(GLOSSARY).split()

    def mixed(place: Place) -> str:
        own = re.findall(r"[a-z]{4,}", code(m, place).replace("_", " "))[:8]
        return " ".join(word for pair in zip(own, rng.sample(words, 8), strict=False) for word in pair)

    return tuple(at(n, p, mixed(p)) for n, p in enumerate(_every(m.hunks)))


def _foreign_review(m: Material, bank: Bank) -> list[Finding]:
    slugs = sorted(s for s in bank.slugs)
    other = bank.entry(slugs[(slugs.index(m.entry.slug) + 2) % len(slugs)])
    return next(list(state_of(review, folder).findings) for review, folder in reviews(other) if review.kind == "strong")


@attack("another scenario's strong review as it is", "another review")
def _other_review(m: Material, bank: Bank) -> tuple[Finding, ...]:
    return tuple(_foreign_review(m, bank))


@attack("another scenario's strong review over these hunks", "another review")
def _other_here(m: Material, bank: Bank) -> tuple[Finding, ...]:
    said = _foreign_review(m, bank)
    return tuple(
        at(n, p, said[n % len(said)].body, said[n % len(said)].why, said[n % len(said)].fix)
        for n, p in enumerate(_every(m.hunks))
    )


@attack("another scenario's key over these hunks", "another review")
def _other_key(m: Material, bank: Bank) -> tuple[Finding, ...]:
    slugs = sorted(bank.slugs)
    other = bank.entry(slugs[(slugs.index(m.entry.slug) + 1) % len(slugs)])
    return spread(m.hunks, [d.title for d in other.rubric.defects])


@attack("praise in the key's words", "leaked: praise")
def _praise(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return _over_key(
        m,
        lambda n, d: (
            f"Well thought out, I verified this part and the risk that {d.sees[0][0].lower()}{d.sees[0][1:]} is handled."
        ),
    )


@attack("the key's words turned round", "leaked: praise")
def _denied(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return _over_key(
        m,
        lambda n, d: (
            f"It cannot be said that {d.title[0].lower()}{d.title[1:]}; nothing like that happens and no change is needed."
        ),
    )


@attack("the key's words at the next item's lines", "leaked: wrong places")
def _wrong_places(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    defects = m.entry.rubric.defects
    far = defects[len(defects) // 2 :] + defects[: len(defects) // 2]
    return tuple(
        at(n, m.places[other.id][0], d.sees[-1], d.understands[0])
        for n, (d, other) in enumerate(zip(defects, far, strict=True))
        if all(abs(a.first - b.first) > 8 or a.file != b.file for a in m.places[d.id] for b in m.places[other.id])
    )


@attack("the key's words without a line", "leaked: wrong places")
def _unplaced(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return tuple(at(n, None, d.sees[0], d.understands[-1]) for n, d in enumerate(m.entry.rubric.defects))


@attack("the key's lines without its words", "leaked: places alone")
def _lines_alone(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return _over_key(m, lambda n, d: VAGUE[n % len(VAGUE)])


@attack("the key's lines with phrases", "leaked: places alone")
def _lines_phrases(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return _over_key(m, lambda n, d: (*HYGIENE, *QUESTIONS)[n % 10])


@attack("the key's lines with the lines' own words", "leaked: places alone")
def _lines_words(m: Material, _bank: Bank) -> tuple[Finding, ...]:
    return _over_key(
        m,
        lambda n, d: (
            f"The {' and '.join(re.findall(r'[a-z]{5,}', code(m, m.places[d.id][0]))[:4]) or 'line'} here should be reconsidered by the author"
        ),
    )


def _over_key(m: Material, say: Callable[[int, object], str]) -> tuple[Finding, ...]:
    return tuple(at(n, m.places[d.id][0], say(n, d)) for n, d in enumerate(m.entry.rubric.defects))


def _every(places: list[Place]) -> list[Place]:
    return places[:: max(1, -(-len(places) // MOST))]
