"""Entry point of a process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import structlog

from txservice.api import build_app
from txservice.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI


def create_app() -> FastAPI:
    """Configure logging and build the service from the environment."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.add_log_level,
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ]
    )
    return build_app(Settings(database_url=os.environ["DATABASE_URL"]))
