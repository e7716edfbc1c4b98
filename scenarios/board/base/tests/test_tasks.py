"""Tasks."""

from __future__ import annotations

from tests.support import client, service


async def test_a_task_is_made_and_listed() -> None:
    async with service() as app, client(app) as http:
        made = await http.post("/boards/b-1/tasks", json={"title": "Write the invitation"})
        assert made.status_code == 201
        listed = (await http.get("/boards/b-1/tasks")).json()
        assert [task["title"] for task in listed] == ["Write the invitation"]


async def test_an_old_version_is_refused() -> None:
    async with service() as app, client(app) as http:
        made = (await http.post("/boards/b-1/tasks", json={"title": "Book a room"})).json()
        path = f"/boards/b-1/tasks/{made['id']}"
        statuses = [
            (await http.patch(path, json={"version": 1, "status": "doing"})).status_code
            for _ in range(2)
        ]
        assert statuses == [200, 409]
