"""CPU time of matching a review, beside a fixed workload on the same machine in the same minute.

    python benchmarks/matching/speed.py              # 12 findings x 10 defects, and 400 findings
    python benchmarks/matching/speed.py --rounds 40

Prints JSON: median CPU milliseconds of this process, and the median ratio to the reference workload that ran just before.
Compare ratios between machines or days; milliseconds follow the machine's load. `new`: remarks that
were not read before; `again`: the same match once more, as in a rater's sitting; `first`: all memory of words is empty, too, as in a
process that has just started, so that the code's words are read again. The key is prepared beforehand.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reviewkit import kinship, likeness, wording
from reviewkit.assess import rubric_places
from reviewkit.bank import find_bank
from reviewkit.finding import Finding
from reviewkit.harness.stage import Tree
from reviewkit.matching import match
from reviewkit.submission import read_submission

ROOT = Path(__file__).resolve().parents[2]
SLUG = "checkout"
DEFECTS = 10
SMALL, LARGE = 12, 400
CACHES = (
    wording.prepare, wording.stem, wording._words, likeness.letter_triples, likeness.spelling, kinship.of,
)  # fmt: skip
"""Everything that remembers a text or a word from one match to the next."""


def reference() -> int:
    """About as much work as a small match, of the same sort: words of a text, counted and compared. Never change it."""
    text = "the gateway call holds a pooled connection while other requests wait for one " * 40
    total = 0
    for turn in range(12):
        words = re.findall(r"[a-z]+", text)
        counts: dict[str, int] = {}
        for word in words:
            counts[word] = counts.get(word, 0) + len(word) * (turn + 1)
        names = sorted(counts)
        total += sum(len(set(one) & set(other)) * counts[one] for one in names for other in names)
    return total


@dataclass
class Workload:
    """One thing to measure."""

    name: str
    run: Callable[[], object]
    before: Callable[[], None] = lambda: None


def findings(number: int) -> list[Finding]:
    """Remarks of the sample reviews, each text once; past their end the first ones again with words of their own."""
    found: dict[str, Finding] = {}
    for path in sorted((ROOT / "rubrics" / SLUG / "calibration").glob("*.ipynb")):
        for finding in read_submission(path).state.findings:
            found.setdefault(finding.text, finding)
    held = list(found.values())
    again = [replace(f, body=f"{f.body} Seen in part {n}.") for n in range(number // len(held) + 1) for f in held]
    return [replace(f, id=f"f{n:03}") for n, f in enumerate([*held, *again][:number])]


def forget() -> None:
    """Empty the caches of words."""
    for cached in CACHES:
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()


def void(_result: object) -> None:
    """Drop a result."""


def workloads() -> list[Workload]:
    entry = find_bank(ROOT).entry(SLUG)
    rubric = entry.rubric.model_copy(update={"defects": entry.rubric.defects[:DEFECTS]})
    head = Tree(entry.folder / "head")
    sources = {file: head.read(file).split("\n") for file in head.files()}
    places = rubric_places(entry.rubric, entry.folder / "head")

    def of(chosen: Sequence[Finding]) -> Callable[[], object]:
        return lambda: match(chosen, rubric, places, sources)

    def new(chosen: Sequence[Finding]) -> Callable[[], object]:
        turns = itertools.count()
        return lambda: of([replace(f, body=f"{f.body} Turn {next(turns)}.") for f in chosen])()

    small, large = findings(SMALL), findings(LARGE)
    of(small)()
    return [
        Workload(f"{SMALL} x {DEFECTS}, new", new(small)),
        Workload(f"{SMALL} x {DEFECTS}, again", of(small), lambda: void(of(small)())),
        Workload(f"{SMALL} x {DEFECTS}, first", of(small), forget),
        Workload(f"{LARGE} x {DEFECTS}, new", new(large)),
    ]


def cpu(run: Callable[[], object]) -> float:
    """Milliseconds of this process's CPU time."""
    start = time.process_time()
    run()
    return 1000 * (time.process_time() - start)


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Each workload after the reference, in turns, so that a busy moment meets all of them."""
    every = workloads()
    spent: dict[str, list[tuple[float, float]]] = {work.name: [] for work in every}
    for _ in range(rounds):
        for work in every:
            work.before()
            base = cpu(reference)
            spent[work.name].append((cpu(work.run), base))
    return {
        name: {
            "cpu_ms": round(statistics.median(own for own, _base in pairs), 1),
            "least_cpu_ms": round(min(own for own, _base in pairs), 1),
            "reference_cpu_ms": round(statistics.median(base for _own, base in pairs), 1),
            "ratio": round(statistics.median(own / base for own, base in pairs), 2),
        }
        for name, pairs in spent.items()
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    print(json.dumps(measure(parser.parse_args().rounds), indent=2))


if __name__ == "__main__":
    main()
