"""The chat model, behind the provider's HTTP interface."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

if TYPE_CHECKING:
    from assistant.settings import Settings

log = structlog.get_logger()
MAX_ANSWER_TOKENS = 600
ATTEMPTS = 3
PAUSE = 0.3
TIMEOUT = 8
DEADLINE = 20


class ModelError(Exception):
    """There is no usable answer of the model."""


class Turn(BaseModel):
    """One message of a conversation."""

    content: str


class Choice(BaseModel):
    """One of the answers that the provider offers; we ask for one."""

    message: Turn


class Usage(BaseModel):
    """What the call cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Completion(BaseModel):
    """The part of the reply that we read; the provider adds fields at will."""

    model_config = ConfigDict(extra="ignore")

    model: str = "unknown"
    choices: list[Choice] = Field(min_length=1)
    usage: Usage = Usage()


class Action(BaseModel):
    """What the model wants done; not checked beyond its form."""

    name: str
    arguments: dict[str, Any]


class Output(BaseModel):
    """The model's answer. A JSON mode promises JSON, not these fields."""

    model_config = ConfigDict(extra="ignore", strict=True)

    reply: str = Field(min_length=1)
    action: Action | None = None


class ModelClient:
    """Asks for one completion at a time."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http, self._settings = http, settings

    async def complete(self, messages: list[dict[str, str]]) -> Output:
        """Return the model's answer, or raise ModelError. Has no side effects, so it is safe to repeat."""
        try:
            async with asyncio.timeout(DEADLINE):
                reply = await self._post(messages)
        except (httpx.HTTPError, TimeoutError) as error:
            raise ModelError(type(error).__name__) from None
        try:
            completion = Completion.model_validate_json(reply.content)
            output = Output.model_validate_json(completion.choices[0].message.content)
        except ValidationError:
            # without the text of the error, which quotes the answer
            log.warning("model.unreadable", status=reply.status_code, size=len(reply.content))
            raise ModelError("unreadable") from None
        log.info(
            "model.answered",
            asked_for=self._settings.model_name,
            served_by=completion.model,
            input_tokens=completion.usage.prompt_tokens,
            output_tokens=completion.usage.completion_tokens,
            action=output.action.name[:20] if output.action else None,
        )
        return output

    async def _post(self, messages: list[dict[str, str]]) -> httpx.Response:
        for attempt in range(1, ATTEMPTS + 1):
            try:
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
                    timeout=TIMEOUT,
                )
            except httpx.TransportError as error:
                log.warning("model.failed", attempt=attempt, error=type(error).__name__)
                if attempt == ATTEMPTS:
                    raise
            else:
                if reply.status_code < 500 and reply.status_code != 429:
                    return reply.raise_for_status()
                log.warning("model.failed", attempt=attempt, status=reply.status_code)
                if attempt == ATTEMPTS:
                    reply.raise_for_status()
            await asyncio.sleep(PAUSE * attempt)
        raise ModelError("not reached")
