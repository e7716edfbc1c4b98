"""The chat model, behind the provider's HTTP interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.schemas import Output

if TYPE_CHECKING:
    from assistant.settings import Settings

log = structlog.get_logger()
MAX_ANSWER_TOKENS = 600
ATTEMPTS = 2


class ModelError(Exception):
    """The model gave nothing that can be used."""


class Turn(BaseModel):
    """One message of a conversation."""

    content: str


class Choice(BaseModel):
    """One of the answers that the provider offers; we ask for one."""

    message: Turn


class Usage(BaseModel):
    """What the provider counted."""

    prompt_tokens: int = 0


class Completion(BaseModel):
    """The part of the reply that we read; the provider adds fields at will."""

    model_config = ConfigDict(extra="ignore")

    choices: list[Choice]
    model: str = "unknown"
    usage: Usage = Usage()


@dataclass(frozen=True)
class Answered:
    """A usable answer and what is worth counting about it."""

    output: Output
    served_by: str
    prompt_tokens: int


class ModelClient:
    """Asks for one completion at a time."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http, self._settings = http, settings

    async def complete(self, messages: list[dict[str, str]]) -> Answered:
        """Return the model's answer; asking twice is harmless, so it is tried again.

        Raises:
            ModelError: If no attempt gives a usable answer.

        """
        for attempt in range(ATTEMPTS):
            try:
                return await self._ask(messages)
            except (httpx.HTTPError, ValidationError, IndexError) as error:
                kind = type(error).__name__
                log.warning("model.failed", attempt=attempt, error=kind)
        raise ModelError

    async def _ask(self, messages: list[dict[str, str]]) -> Answered:
        reply = await self._http.post(
            f"{self._settings.model_url}/v1/chat/completions",
            headers={"Authorization": f"Bearer {self._settings.model_key}"},
            json={
                "model": self._settings.model_name,
                "messages": messages,
                "temperature": 0,
                "max_tokens": MAX_ANSWER_TOKENS,
                "response_format": {"type": "json_object"},
            },
            timeout=20,
        )
        reply.raise_for_status()
        completion = Completion.model_validate_json(reply.content)
        output = Output.model_validate_json(completion.choices[0].message.content)
        return Answered(output, completion.model, completion.usage.prompt_tokens)
