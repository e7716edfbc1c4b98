"""Answers given lately, so that a question that many ask costs one completion."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.schemas import Answer, Ask
    from assistant.service import Visitor


def cache_key(ask: Ask, visitor: Visitor) -> str:
    """Equal for questions of one customer that differ in case and spacing only."""
    question = " ".join(ask.message.casefold().split())
    return hashlib.sha256(f"{visitor.shop}/{visitor.customer_id}/{question}".encode()).hexdigest()


class AnswerCache:
    """Keeps the newest answers for a while."""

    def __init__(self, limit: int = 5000, seconds: float = 900) -> None:
        self._limit, self._seconds = limit, seconds
        self._entries: OrderedDict[str, tuple[float, Answer]] = OrderedDict()

    def get(self, key: str) -> Answer | None:
        """Return the answer under KEY unless it is too old."""
        stored, answer = self._entries.get(key, (0.0, None))
        if answer is None or time.monotonic() - stored > self._seconds:
            return None
        return answer

    def put(self, key: str, answer: Answer) -> None:
        """Remember ANSWER; the oldest entries make room."""
        self._entries[key] = (time.monotonic(), answer)
        self._entries.move_to_end(key)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)
