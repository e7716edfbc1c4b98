"""The chat model, behind the provider's HTTP interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import httpx

    from assistant.settings import Settings

log = structlog.get_logger()
MAX_ANSWER_TOKENS = 600


class Turn(BaseModel):
    """One message of a conversation."""

    content: str


class Choice(BaseModel):
    """One of the answers that the provider offers; we ask for one."""

    message: Turn


class Completion(BaseModel):
    """The part of the reply that we read; the provider adds fields at will."""

    model_config = ConfigDict(extra="ignore")

    model: str | None = None
    choices: list[Choice]


class ModelClient:
    """Asks for one completion at a time."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http, self._settings = http, settings

    async def complete(self, messages: list[dict[str, str]]) -> str:
        """Return the text of the model's answer."""
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
            timeout=8,
        )
        reply.raise_for_status()
        completion = Completion.model_validate_json(reply.content)
        text = completion.choices[0].message.content
        log.info("model.answered", model=completion.model, prompts=len(messages), chars=len(text))
        return text
