"""Guards: properties of a review, a finding or a pair that keep it from automatic credit.

A guard never changes a probability. It changes the route: a guarded pair counts nothing until a rater has decided,
and its probability shows in the upper bound only. Each firing is kept with its numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal

from reviewkit import wording
from reviewkit.finding import Finding
from reviewkit.place import Place
from reviewkit.scorecard import GuardHit

MOST_FINDINGS: Final = 40
"""Findings of one review above which nothing is credited automatically."""
MOST_READ: Final = 200
"""Findings of one review that are compared with the key; those after them, by id, only wait for a person."""
MOST_TEXT: Final = 200_000
"""Characters of one review that are compared with the key, counted in the same order."""
MOST_COVERED: Final = 0.5
"""Share of a file's lines that one review may point at."""
SMALL_FILE: Final = 30
"""Files of fewer lines are not measured for coverage."""
TOPICS_QUEUE: Final = 7
TOPICS_NO_CREDIT: Final = 10
CHANCE_FROM: Final = 10
"""Different remarks of one review from which on it is asked how many of them fit the key."""
CHANCE_SHARE: Final = 1 / 8
"""Share of them that must fit: of a long list of remarks about some other change, one or two fit by chance."""
LEAST_STEMS: Final = 3
"""Content stems below which a remark says nothing in particular."""
LEAST_OWN: Final = 3
"""Content stems that must be the candidate's own, not the cited code's."""
AROUND: Final = 2
"""Lines around the cited ones that count as cited code."""
LEAST_OWN_SHARED: Final = 2
"""Stems shared with the key that must not come from the cited file: naming its identifiers proves nothing."""
MOST_OF_FILE: Final = 0.6
"""Share of a file above which a range points at nothing in particular."""
SHORT_FILE: Final = 12
"""Files of fewer lines may be cited whole."""
COPIED_SHARE: Final = 0.5
"""Share of a remark that may be runs of the change's own text."""
RUN: Final = 5
"""Tokens in a row that count as copied."""
UNKNOWN_SHARE: Final = 0.6
"""Share of content stems that neither English remarks, the key nor the code use."""

FILLER: Final = frozenset(
    wording.stem(word)
    for word in wording.word_set(
        """
        line code wrong change fix bad need issue problem bug error method function file part place improve better review
        look check here thing something should incorrect correct please handle use make
        """
    )
)
"""Stems of words that any remark may have; they are nobody's evidence."""

# What a generic checklist runs through. One remark that touches many of these is about nothing in particular.
TOPICS: Final[dict[str, re.Pattern[str]]] = {
    name: re.compile(rf"\b(?:{pattern})", re.IGNORECASE)
    for name, pattern in {
        "errors": r"error|exception|try/|catch|failure",
        "validation": r"validat|sanit|input check|malformed",
        "concurrency": r"race|concurren|thread|deadlock|atomic",
        "async": r"async|await|event loop|non-?blocking|blocking",
        "transactions": r"transaction|rollback|commit|isolation",
        "database": r"database|query|queries|index|n\+1|sql",
        "injection": r"inject|xss|csrf|ssrf|escap",
        "secrets": r"secret|credential|password|token|auth",
        "logging": r"log(?:s|ging|ged)?\b|metric|monitor|trac(?:e|ing)|observab",
        "tests": r"test|coverage|mock",
        "performance": r"performan|slow|latenc|efficien|complexity",
        "memory": r"memory|leak|unbounded|cache",
        "timeouts": r"timeout|time-out|retr(?:y|ies)|backoff",
        "types": r"type hint|typing|null|none check|nan|overflow",
        "naming": r"naming|readab|comment|docstring|magic number",
        "duplication": r"duplicat|dry\b|refactor|dead code",
        "api": r"status code|contract|backward|pagination|rate limit|idempoten",
    }.items()
}
_PRAISE: Final = re.compile(
    r"\b(?:looks? (?:good|fine|correct|right|solid|clean|ok|okay|great)|lgtm|well[- ](?:done|written|handled|designed|protected)"
    r"|nice(?:ly)?\b|great\b|excellent|good (?:job|work|use|call|choice|to see)|handled (?:correctly|properly|well|safely)"
    r"|works? (?:as (?:intended|expected)|fine|correctly)|(?:this|that|it|all|everything|code|which) (?:is|are|seems?|looks?)"
    r" (?:\w+ ){0,1}(?:fine|ok|okay|good|perfect|safe|correct|right)\b|does(?: not|n['’]t) (?:happen|occur|apply)"
    r"|no (?:\w+[ -]){0,7}(?:issues?|problems?|bugs?|concerns?|flaws?|defects?|objections?)\b"
    r"|no (?:injections?|races?|race conditions?|leaks?|vulnerabilit\w+|risks?) (?:here|at all|possible|in this)"
    r"|nothing (?:wrong|to (?:fix|change|add))|as it should|i (?:like|love)\b|i (?:have )?(?:checked|verified|confirmed) that)",
    re.IGNORECASE,
)
_APPROVAL: Final = re.compile(
    r"\b(?:(?:is|are|was|were|seems?) (?:\w+ ){0,2}(?:fine|safe|correct|good|ok|okay|right|appropriate|solid|secure|robust|sound)\b"
    r"|(?:correctly|properly|safely|carefully|cleanly) (?:\w+ ){0,1}\w+(?:ed|s)\b|\w+(?:ed|s) (?:\w+ ){0,2}"
    r"(?:correctly|properly|safely|cleanly)\b)",
    re.IGNORECASE,
)
_TURN: Final = re.compile(
    r"\b(?:but|however|although|though|except (?:that|for|when|if)|unless|instead|should|shouldn['’]?t|must|needs? to|ought|yet|otherwise|rather than"
    r"|problem is|bug is|would)\b",
    re.IGNORECASE,
)
# What closes a matter: after it nothing is left to be done.
_CLOSED: Final = re.compile(
    r"\b(?:(?:no|without) (?:\w+ ){0,2}(?:change|action|fix|work|concern)s?(?: (?:is|are|seems?))? (?:needed|required|necessary|here)"
    r"|(?:nothing|none) (?:\w+ ){0,3}(?:happens?|occurs?|applies|needed|required|to worry about|to be done)"
    r"|(?:is|are|was|seems?) (?:not (?:an? |really an? )?|no )(?:issue|problem|concern|risk)"
    r"|cannot happen|can['’]t happen|never happens|well (?:thought|considered|reasoned|protected|covered)\b)",
    re.IGNORECASE,
)
_SETTLED: Final = re.compile(
    r"\b(?:is|are|was|were|been|gets?|seems?|looks?) ((?:\w+ ){0,2})(?:handled|covered|prevented|avoided|addressed|mitigated"
    r"|guarded against|taken care of|ruled out|dealt with|excluded|solved|under control|by design|intended|impossible|unfounded"
    r"|harmless|acceptable|a false alarm)\b",
    re.IGNORECASE,
)
_LIMIT_BEFORE: Final = re.compile(r"\b(?:only|no|nothing|none|nobody|neither|hardly|few|half)\b[^.;:]{0,40}$", re.IGNORECASE)
_LIMIT_INSIDE: Final = re.compile(r"\b(?:not|never|only|hardly|badly|poorly|partly|partially|half|wrongly|silently|too|barely)\b", re.IGNORECASE)
_DOUBT: Final = re.compile(
    r"\b(?:not|never|cannot|no|without|fails?|missing|lacks?|only|if|whether|until|may|might|could|can|to|verify|ensure|check|wrong"
    r"|incorrect|break(?:s|ing)?|bug|error|issue|problem|risks?|leaks?|unsafe|races?)\b|n['’]t\b",
    re.IGNORECASE,
)
WISH: Final = re.compile(r"\b(?:should|must|needs? to|ought|has to|have to)\b", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]+")
_FOREIGN: Final = wording.word_set(
    """
    der die das und ist nicht ein eine einen dem den wird werden wenn weil hier auf mit für kein keine fehlt sollte muss kann
    durch nach beim sich sind auch ohne mehr noch wurde dann aber oder wie bei zu zum zur im vom es wir
    el los las una uno que del se por con para pero esta este esto aquí falta debe puede hay cuando porque sin más como su
    sus sobre entre ya ser está son otra otro le les dans est pas une des pour avec sur qui ce cette il manque doit peut
    não uma com são mas quando deve pode porque sem mais como seu il gli della che non sono questo manca deve può
    """
)
_ENGLISH_ONLY: Final = wording.word_set(
    """
    the this that these those is are was were be been being of to and with for from it its on at by as an not no can could
    should would will must have has had does do did there here when while which what if because so than then into out only
    """
)


def review_guards(
    findings: Sequence[Finding], where: Mapping[str, Place | None], sources: Mapping[str, Sequence[str]]
) -> tuple[tuple[GuardHit, ...], frozenset[str]]:
    """
    Guards on a review as a whole.

    Returns:
        The hits, and the files whose remarks get no automatic credit ("" stands for all files).
    """
    hits: list[GuardHit] = []
    blocked: set[str] = set()
    unread = len(findings) - len(readable(findings))
    if len(findings) > MOST_FINDINGS or unread:
        words = f"{len(findings)} findings in one review; above {MOST_FINDINGS} nothing is credited automatically"
        if unread:
            words = f"{len(findings)} findings are more than is read: {unread} are not compared with the key, none is credited automatically"
        hits.append(GuardHit(guard="volume", route="queue", words=words, numbers={"findings": len(findings)}))
        blocked.add("")
    for file in sorted(sources):
        total = len(sources[file])
        cited: set[int] = set()
        for place in where.values():
            if place is not None and place.file == file:
                cited.update(range(max(1, place.first), min(total, place.last) + 1))
        if total >= SMALL_FILE and len(cited) > MOST_COVERED * total:
            words = f"the findings together point at {len(cited)} of the {total} lines of {file}"
            numbers = {"lines": float(len(cited)), "of": float(total)}
            hits.append(GuardHit(guard="coverage", route="queue", words=words, numbers=numbers))
            blocked.add(file)
    return tuple(hits), frozenset(blocked)


def chance(right: int, remarks: int) -> GuardHit | None:
    """A guard on a review of which next to nothing fits the key: what does may be luck.

    Args:
        right: Remarks that lead a defect they were taken for; without any, those that wait and would enter the points.
        remarks: Different remarks, copies of one another counted once.
    """
    if remarks < CHANCE_FROM or not 0 < right < CHANCE_SHARE * remarks:
        return None
    words = f"only {right} of {remarks} different remarks fit the key, as may happen by chance"
    return GuardHit(guard="chance", route="queue", words=words, numbers={"right": float(right), "of": float(remarks)})


def readable(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings that are compared with the key: by id, as many as `MOST_READ` and `MOST_TEXT` allow."""
    kept: list[Finding] = []
    left = MOST_TEXT
    for finding in sorted(findings, key=lambda f: f.id)[:MOST_READ]:
        left -= min(len(finding.body) + len(finding.why) + len(finding.fix), wording.TEXT_LIMIT)
        if left < 0:
            break
        kept.append(finding)
    return tuple(kept)


def text_guards(text: wording.Text, remedy: str = "") -> tuple[GuardHit, ...]:
    """Guards on the words of one remark, whatever it points at; `remedy` is what it asks for, also part of the text."""
    hits: list[GuardHit] = []
    content = len(text.content)
    if content < LEAST_STEMS:
        hits.append(_queue("substance", f"only {content} words that say something", stems=content))
    if text.hidden:
        hits.append(_queue("hidden", f"{text.hidden} invisible characters were removed", characters=text.hidden))
    if text.cut:
        hits.append(
            _queue("length", f"only the first {wording.TEXT_LIMIT} characters were read", limit=wording.TEXT_LIMIT)
        )
    topics = topic_count(text.clean)
    if topics >= TOPICS_QUEUE:
        route: Literal["queue", "no credit"] = "no credit" if topics >= TOPICS_NO_CREDIT else "queue"
        words = f"touches {topics} of {len(TOPICS)} general review topics, as a checklist does"
        hits.append(GuardHit(guard="breadth", route=route, words=words, numbers={"topics": topics}))
    praised = praise(text.clean)
    if praised is None and (not remedy.strip() or closing(remedy) is not None):
        praised = closing(text.clean)
    if praised is not None:
        hits.append(_queue("praise", f"approves ({praised!r}) and does not turn to a fault", cues=1))
    return tuple(hits)


def topic_count(text: str) -> int:
    """Number of general review topics that a text touches."""
    return sum(1 for pattern in TOPICS.values() if pattern.search(text))


def praise(text: str) -> str | None:
    """The approving words of a text that does not turn to a fault in the same sentence, else None."""
    for sentence in wording.sentences(text):
        for pattern, turns in ((_PRAISE, (_TURN,)), (_APPROVAL, (_TURN, _DOUBT))):
            found = pattern.search(sentence)
            if found is not None:
                rest = f"{sentence[: found.start()]} {sentence[found.end() :]}"
                if not any(turn.search(rest) for turn in turns):
                    return found.group(0)
    return None


def closing(text: str) -> str | None:
    """The words with which a text closes the matter, if it neither goes on with a "but" nor asks for anything after them."""
    found = [*_CLOSED.finditer(text)]
    found += [
        match
        for match in _SETTLED.finditer(text)
        if not _LIMIT_INSIDE.search(match.group(1))
        and not _LIMIT_BEFORE.search(text[: match.start()])
        and not _LIMIT_INSIDE.match(text[match.end() :].lstrip())
    ]
    last = max(found, key=lambda match: match.end(), default=None)
    if last is None or _TURN.search(text[last.end() :]) or WISH.search(text[last.end() :]):
        return None
    return last.group(0)


def is_foreign(text: wording.Text, known: frozenset[str]) -> bool:
    """Whether a remark is in another language or script, so that English measures say nothing about it.

    Args:
        text: The remark.
        known: Stems of the key and of the code.
    """
    words = [word.lower() for word in _WORD.findall(text.clean)]
    if not words:
        return bool(text.clean.strip())
    other_script = sum(1 for word in words if not word.isascii() and not _latin(word))
    foreign = sum(1 for word in words if word in _FOREIGN and word not in _ENGLISH_ONLY)
    english = sum(1 for word in words if word in _ENGLISH_ONLY)
    if other_script * 2 > len(words) or (foreign >= 2 and foreign > english):
        return True
    content = text.content
    idf = wording.background()
    strange = sum(1 for stem in content if stem not in known and not idf.knows(stem))
    return len(content) >= LEAST_STEMS and strange > UNKNOWN_SHARE * len(content)


def _latin(word: str) -> bool:
    return all(ord(letter) < 0x250 for letter in word)


def code_guards(
    text: wording.Text, where: Place | None, sources: Mapping[str, Sequence[str]], runs: frozenset[tuple[str, ...]]
) -> tuple[GuardHit, ...]:
    """Guards against code or prose of the change handed back as a remark; `runs` from `token_runs`."""
    hits: list[GuardHit] = []
    if where is not None and where.file in sources:
        lines = sources[where.file]
        cited = wording.prepare("\n".join(lines[max(0, where.first - 1 - AROUND) : where.last + AROUND]))
        own = len(text.content - cited.stems - FILLER)
        if own < LEAST_OWN:
            hits.append(_queue("own words", f"only {own} words that are not in the cited code", own=own))
        if len(lines) >= SHORT_FILE and where.lines > MOST_OF_FILE * len(lines):
            words = f"points at {where.lines} of the {len(lines)} lines of its file"
            hits.append(_queue("span", words, lines=where.lines, of=len(lines)))
    share = copied_share(text.clean, runs)
    if share >= COPIED_SHARE:
        words = f"{round(100 * share)} % of the remark is copied from what the candidate was given"
        hits.append(_queue("parroted", words, share=round(share, 4)))
    return tuple(hits)


def own_stems(text: wording.Text, code: str) -> frozenset[str]:
    """Content stems of a remark that the cited file does not have, not even inside a longer name."""
    lower = code.lower()
    return frozenset(stem for stem in text.content - FILLER if stem not in lower)


def own_evidence(own: int) -> tuple[GuardHit, ...]:
    """A guard on a pair whose common words are the cited file's own: they show where, not what is wrong."""
    if own >= LEAST_OWN_SHARED:
        return ()
    return (_queue("own evidence", f"only {own} of the common words are not names in the cited file", own=own),)


def token_runs(sources: Mapping[str, Sequence[str]], prose: Sequence[str] = ()) -> frozenset[tuple[str, ...]]:
    """Every run of `RUN` tokens in the files and in other texts that the candidate was given, for `copied_share`."""
    return _runs((*(tuple(sources[file]) for file in sorted(sources)), *((text,) for text in prose)))


@lru_cache(maxsize=16)
def _runs(files: tuple[tuple[str, ...], ...]) -> frozenset[tuple[str, ...]]:
    runs: set[tuple[str, ...]] = set()
    for lines in files:
        words = wording.tokens("\n".join(lines))
        runs.update(tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1))
    return frozenset(runs)


def copied_share(text: str, runs: frozenset[tuple[str, ...]]) -> float:
    """Share of a text's tokens that lie in a run copied from the change; 0 for texts shorter than a run."""
    words = wording.tokens(text)
    covered: set[int] = set()
    for at in range(len(words) - RUN + 1):
        if tuple(words[at : at + RUN]) in runs:
            covered.update(range(at, at + RUN))
    return len(covered) / len(words) if words else 0.0


def _queue(guard: str, words: str, **numbers: float) -> GuardHit:
    return GuardHit(guard=guard, route="queue", words=words, numbers={k: float(v) for k, v in numbers.items()})
