"""Mails to people who are given a task. A mail that cannot be sent is noted and forgotten."""

from __future__ import annotations

import httpx
import structlog

logger = structlog.get_logger()
SECONDS = 10.0


def tell_assignee(mailer_url: str, user_id: str, title: str) -> None:
    """Have a mail sent."""
    body = {"to": user_id, "subject": f"You have a task: {title}"}
    try:
        httpx.post(f"{mailer_url}/mails", json=body, timeout=SECONDS)
    except httpx.HTTPError:
        logger.warning("mail.failed", user=user_id)
