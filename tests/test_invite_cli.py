"""The commands around invites and the intake, as a user calls them: made, told to the intake, collected, purged."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import made_submissions as made
import pytest
from made_intake import Intake
from test_cli import reviewkit
from typer.testing import CliRunner

from reviewkit import base64url
from reviewkit.cli import app
from reviewkit.errors import IntakeError, ReviewkitError
from reviewkit.intake.client import IntakeClient, batches, submission_key
from reviewkit.intake.fetch import newest
from reviewkit.invite import verify
from reviewkit.keyring import given_public_keys

ROOT = Path(__file__).resolve().parent.parent


class Desk:
    """A hiring side in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "REVIEWKIT_KEYS": str(folder / "keys"), "REVIEWKIT_STORE": str(folder / "out" / "store.sqlite"), "REVIEWKIT_BANK": str(ROOT),
            "REVIEWKIT_RUBRICS": str(ROOT / "rubrics"),
        }  # fmt: skip

    def run(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """What a command prints, or says on its error stream; in this process, because a start takes long."""
        here = Path.cwd()
        os.chdir(self.folder)
        try:
            done = CliRunner().invoke(app, list(arguments), env={**self.environment, **environment})
        finally:
            os.chdir(here)
        error = done.exception
        if isinstance(error, ReviewkitError):  # `main` prints these
            got, said = error.exit_code, str(error)
        else:
            got, said = done.exit_code, done.stderr
            assert error is None or isinstance(error, SystemExit), repr(error)
        assert got == code, said
        return done.stdout if code == 0 else said

    def json(self, *arguments: str, **environment: str) -> Any:
        return json.loads(self.run(*arguments, "--json", **environment))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def intake(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    """An intake that knows the desk's public key from a file."""
    folder = tmp_path_factory.mktemp("intake")
    (folder / "invite.pub").write_text(desk.run("invite", "key", "--public"))
    running = Intake(folder, pubkey=str(folder / "invite.pub")).start()
    yield running
    running.kill()


def test_a_made_invite_verifies_with_the_exported_key(desk: Desk) -> None:
    (one,) = desk.json("invite", "create", "transactions", "--candidate", "c-1", "--repo", "o/r", "--policy", "none", "--svg", "qr")
    keys = given_public_keys(desk.run("invite", "key", "--public"))
    invite = verify(one["token"], keys, one["iat"])
    assert (invite.candidate, invite.slug, invite.policy_text) == ("c-1", "transactions", "ai-none-1")
    assert [link["place"] for link in one["links"]] == ["mybinder.org", "localhost"]
    assert (desk.folder / "qr" / f"invite-{one['id']}.svg").is_file()
    (again,) = desk.json("invite", "show", one["id"])
    assert again["token"] == one["token"]
    private = (desk.folder / "keys" / "invite-001.key").read_text().strip()
    assert private not in desk.run("invite", "key") + desk.run("invite", "key", "--public")
    assert private.encode() not in (desk.folder / "out" / "store.sqlite").read_bytes()
    assert one["token"].encode() not in (desk.folder / "out" / "store.sqlite").read_bytes()


def test_a_list_makes_good_invites_and_names_bad_lines(desk: Desk) -> None:
    (desk.folder / "people.csv").write_text("candidate,scenario\nl-1,stock\n=cmd,stock\nl-2,nothing\nl-3,\n")
    said = desk.run("invite", "create", "checkout", "--from", "people.csv", code=1)
    assert [line.split(": ")[1] for line in said.splitlines() if line.startswith("people.csv")] == ["line 3", "line 4"]
    rows = desk.json("invite", "list")
    assert {(r["candidate"], r["scenario"]) for r in rows if r["candidate"].startswith("l-")} == {("l-1", "stock"), ("l-3", "checkout")}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create", "checkout"], 2, "either --candidate"), (["create", "nothing", "--candidate", "c"], 2, "No scenario"), (["create", "--candidate", "c"], 2, "No scenario is named"),
        (["create", "checkout", "--candidate", "Jane Doe"], 2, "no names"), (["create", "checkout", "--candidate", "c", "--intake", "http://x.org"], 2, "https"),
        (["create", "checkout", "--candidate", "c", "--repo", "x"], 2, "no repository"), (["show", "nothing"], 2, "No invite"), (["revoke", "nothing"], 2, "No invite"),
        (["create", "checkout", "--from", "missing.csv"], 2, "cannot be read"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line(desk: Desk, arguments: list[str], code: int, words: str) -> None:
    assert words in desk.run("invite", *arguments, code=code)


def test_the_intake_is_told_of_revocations_and_extensions(desk: Desk, intake: Intake) -> None:
    (one,) = desk.json("invite", "create", "transactions", "--candidate", "c-2", "--intake", intake.url, "--days", "1")
    assert "was not told" in desk.run("invite", "extend", one["id"], "--days", "9", code=2)
    (longer,) = desk.json("invite", "extend", one["id"], "--days", "20", REVIEWKIT_INTAKE_TOKEN=intake.hiring)
    assert longer["id"] == one["id"]
    assert intake.ask("GET", "/v1/invite", bearer=one["token"]).json["exp"] == longer["exp"]
    desk.run("invite", "revoke", one["id"], REVIEWKIT_INTAKE_TOKEN=intake.hiring)
    assert intake.ask("GET", "/v1/invite", bearer=longer["token"]).json["reason"] == "revoked"
    assert {r["invite"]: r["state"] for r in desk.json("invite", "list")}[one["id"]] == "revoked"


def handed_in(intake: Intake, token: str, folder: Path, candidate: str, **fields: Any) -> bytes:
    body = json.dumps(made.completed(made.review(**fields), folder, candidate=candidate)).encode()

    async def work() -> None:
        async with IntakeClient(intake.url, token) as client:
            await client.submit(body)

    asyncio.run(work())
    return body


@pytest.mark.kernel
def test_what_was_handed_in_is_scored_and_then_purged(desk: Desk, intake: Intake, tmp_path: Path) -> None:
    first, second = (desk.json("invite", "create", "transactions", "--candidate", c, "--intake", intake.url)[0] for c in ("p-1", "p-2"))
    handed_in(intake, first["token"], tmp_path, "p-1", findings=[])
    handed_in(intake, first["token"], tmp_path, "p-1")
    unnamed = tmp_path / "sent.ipynb"
    unnamed.write_text(json.dumps(made.completed(made.review(), tmp_path, candidate="")))
    added = desk.json(
        "intake", "add", str(unnamed), "--invite", second["links"][0]["url"], "--db", str(intake.folder / "intake.sqlite")
    )
    by_id = desk.json("intake", "add", str(unnamed), "--invite", second["id"], "--db", str(intake.folder / "intake.sqlite"))
    assert by_id["receipt"] == added["receipt"]
    assert "is not set" in desk.run("score", intake.url, "--out", "out", code=2)
    done = reviewkit("score", intake.url, "--out", "out", "--json", cwd=desk.folder, **desk.environment, REVIEWKIT_INTAKE_TOKEN=intake.hiring)
    assert done.returncode == 0, done.stderr
    assert "p-1 handed in 2 different files" in done.stderr
    rows = {row["candidate"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {"p-1", "p-2"}
    out = desk.folder / "out"
    with sqlite3.connect(out / "store.sqlite") as connection:
        assert {r[0] for r in connection.execute("select candidate from submissions")} == {"p-1", "p-2"}

    gone = desk.json("store", "purge", "p-1", "--out", "out", "--intake", intake.url, REVIEWKIT_INTAKE_TOKEN=intake.hiring)
    assert (gone["intake"]["submissions"], gone["store"]["submissions"], gone["store"]["invite_changes"]) == (2, 1, 1)
    assert len([f for f in gone["files"] if rows["p-1"]["sha256"][:12] in f]) >= 5
    left = [p for p in out.rglob("*") if p.is_file()]
    assert not [p for p in left if rows["p-1"]["sha256"][:12] in p.name]
    assert [p for p in left if rows["p-2"]["sha256"][:12] in p.name]
    for path in left:
        assert b"p-1" not in path.read_bytes() or path.suffix == ".log", path
    assert [row["candidate"] for row in json.loads((out / "cohort.json").read_text())] == ["p-2"]
    assert intake.ask("GET", "/v1/invite", bearer=first["token"]).json["reason"] == "revoked"
    assert len(intake.ask("GET", "/v1/submissions", bearer=intake.hiring).json["submissions"]) == 1
    assert "Nothing of this candidate" in desk.run("store", "purge", "p-1", "--out", "out", "--intake", str(intake.folder / "intake.sqlite"))
    with (out / "cohort.csv").open("w") as stream:
        csv.writer(stream).writerow(["p-9"])
    assert "cohort.csv" in desk.run("store", "purge", "p-9", "--out", "out")


def test_a_file_is_added_under_the_same_rules(desk: Desk, intake: Intake, tmp_path: Path) -> None:
    database = ("--db", str(intake.folder / "intake.sqlite"))
    (one,) = desk.json("invite", "create", "transactions", "--candidate", "f-1")
    other = made.write(tmp_path / "other.ipynb", made.completed(made.review(), tmp_path, candidate="f-2"))
    (tmp_path / "broken.ipynb").write_text("{")
    assert "another invite" in desk.run("intake", "add", str(other), "--invite", one["id"], *database, code=1)
    assert "no completed workbook" in desk.run("intake", "add", str(tmp_path / "broken.ipynb"), "--invite", one["id"], *database, code=1)
    assert "cannot be read" in desk.run("intake", "add", "missing.ipynb", "--invite", one["id"], *database, code=2)
    desk.run("invite", "revoke", one["id"])
    good = made.write(tmp_path / "good.ipynb", made.completed(made.review(), tmp_path, candidate="f-1"))
    assert "withdrawn" in desk.run("intake", "add", str(good), "--invite", one["id"], *database, code=1)


def test_tokens_backup_and_verify(desk: Desk, intake: Intake) -> None:
    database = ("--db", str(intake.folder / "intake.sqlite"))
    extra = desk.run("intake", "token", "create", "cockpit", *database).strip()
    assert intake.ask("GET", "/v1/invites", bearer=extra).status == 200
    (row,) = [r for r in desk.json("intake", "token", "list", *database) if r["name"] == "cockpit"]
    assert extra not in json.dumps(row)
    assert extra.encode() not in (intake.folder / "intake.sqlite").read_bytes()
    desk.run("intake", "token", "revoke", str(row["id"]), *database)
    assert intake.ask("GET", "/v1/invites", bearer=extra).status == 401
    assert "No valid token" in desk.run("intake", "token", "revoke", str(row["id"]), *database, code=2)
    assert "copied and verified" in desk.run("intake", "backup", "copy", *database)
    assert "there already" in desk.run("intake", "backup", "copy", *database, code=2)
    assert desk.json("intake", "verify", "--db", "copy/intake.sqlite") == []
    assert "there is no such database" in desk.run("intake", "verify", "--db", "nothing.sqlite", code=2)


def test_without_a_public_key_the_intake_does_not_start(desk: Desk) -> None:
    assert "No public key" in desk.run("intake", "serve", "--db", "x.sqlite", "--port", "0", code=2, REVIEWKIT_PUBKEY="")
    said = desk.run("intake", "serve", "--db", "mysql://u:secret@h/x", "--pubkey", base64url.encode(b"x" * 32), code=2)
    assert "secret" not in said


# --- client -----------------------------------------------------------------------------------------------------------
def test_pauses_grow_and_end_and_a_refusal_is_not_retried() -> None:
    import httpx

    pauses: list[float] = []
    tries: list[int] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    def answer(status: int, **headers: str) -> httpx.MockTransport:
        def handle(request: httpx.Request) -> httpx.Response:
            tries.append(1)
            assert request.headers["authorization"] == "Bearer secret"
            return httpx.Response(status, json={"reason": "busy", "message": "Busy. Retry."}, headers=headers)

        return httpx.MockTransport(handle)

    async def work(transport: httpx.MockTransport, patience: float) -> IntakeError:
        async with IntakeClient("https://x.org", "secret", patience=patience, transport=transport, sleep=sleep) as client:
            with pytest.raises(IntakeError) as caught:
                await client.submit(b"{}")
        assert "secret" not in str(caught.value)
        return caught.value

    assert asyncio.run(work(answer(503, **{"retry-after": "7"}), 60)).status == 503
    assert min(pauses) >= 7
    assert sum(pauses) <= 60
    tries.clear()
    assert asyncio.run(work(answer(409), 60)).status == 409
    assert len(tries) == 1


def test_batches_are_bounded_and_keep_order() -> None:
    from made_intake import long_chain

    events = long_chain(1203, "x" * 900)
    cut = batches(events)
    assert [e for one in cut for e in one] == events
    assert max(map(len, cut)) <= 500
    assert max(sum(len(e.line()) for e in one) for one in cut) <= 1_000_000
    assert submission_key(b"a") == submission_key(b"a") != submission_key(b"b")


def test_the_newest_of_each_invite_is_scored() -> None:
    rows = [{"id": n, "invite": i, "candidate": f"c-{i}", "sha256": s} for n, i, s in ((3, "b", "z"), (1, "a", "x"), (2, "a", "y"), (4, "c", "q"), (5, "c", "q"))]
    kept, notes = newest(rows)
    assert [row["id"] for row in kept] == [2, 3, 5]
    assert len(notes) == 1


def test_stages_open_on_days_that_the_invite_names(desk: Desk) -> None:
    days = ("--stage", "architecture=2099-12-03", "--stage", "degraded=2099-12-05T14:00+01:00")
    said = desk.run("invite", "create", "stock", "--candidate", "s-1", *days, code=2)
    assert "a stage opens after the link has ended" in said
    soon = datetime.now(UTC) + timedelta(days=2)
    (one,) = desk.json("invite", "create", "stock", "--candidate", "s-1", "--stage", f"architecture={soon:%Y-%m-%dT%H:%M}+01:00")
    invite = verify(one["token"], given_public_keys(desk.run("invite", "key", "--public")), one["iat"])
    assert invite.stages == {"architecture": int(soon.replace(second=0, microsecond=0).timestamp()) - 3600}
    for wrong in ("architecture", "architecture=soon", "review=2026-12-03", "=2026-12-03"):
        said = desk.run("invite", "create", "stock", "--candidate", "s-1", "--stage", wrong, code=2)
        assert f"--stage {wrong}: cannot be read." in said
