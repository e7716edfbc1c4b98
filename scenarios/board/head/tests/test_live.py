"""Live updates."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock

from board.live import Hub


async def test_viewers_hear_of_a_change() -> None:
    hub, viewers = Hub(), [AsyncMock() for _ in range(3)]
    for viewer in viewers:
        await hub.join("b-1", viewer)
    telling = asyncio.create_task(hub.run())
    hub.publish("b-1", {"type": "task.changed", "task": {"id": "t-1"}})
    await asyncio.sleep(0)
    telling.cancel()
    assert all(viewer.accept.called for viewer in viewers)


async def test_a_viewer_that_left_is_forgotten() -> None:
    hub, viewer = Hub(), AsyncMock()
    await hub.join("b-1", viewer)
    hub.leave("b-1", viewer)
    hub.publish("b-1", {"type": "task.changed", "task": {"id": "t-1"}})
    assert viewer.send_json.call_count == 0
