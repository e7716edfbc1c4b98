"""Answers given lately to the same customer, so that repeating a question costs nothing."""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.schemas import Answer, Ask
    from assistant.service import Visitor


def cache_key(ask: Ask, visitor: Visitor) -> str:
    """Equal for the same question of the same customer with the same files.

    The answer is written from the customer's record and files, so all of these belong in here.
    """
    question = " ".join(ask.message.casefold().split())
    files = [[a.filename, hashlib.sha256(a.content).hexdigest()] for a in ask.attachments]
    parts = json.dumps([visitor.shop, visitor.customer_id, question, files])
    return hashlib.sha256(parts.encode()).hexdigest()


class AnswerCache:
    """Keeps the newest answers for a while."""

    def __init__(self, limit: int = 5000, seconds: float = 120) -> None:
        self._limit, self._seconds = limit, seconds
        self._entries: OrderedDict[str, tuple[float, Answer]] = OrderedDict()

    def get(self, key: str) -> Answer | None:
        """Return the answer under KEY unless it is too old."""
        stored, answer = self._entries.get(key, (0.0, None))
        if answer is None or time.monotonic() - stored > self._seconds:
            return None
        return answer

    def put(self, key: str, answer: Answer) -> None:
        """Remember ANSWER unless it did something or is a hand-over; the oldest entries make room."""
        if answer.action is not None or answer.handed_over:
            return
        self._entries[key] = (time.monotonic(), answer)
        self._entries.move_to_end(key)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)
