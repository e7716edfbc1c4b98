"""Keys on disk, lists of people, links, and the history of invites in the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_intake import NOW, invite, token

from reviewkit.bank import find_bank
from reviewkit.database import database_url
from reviewkit.errors import DataError, UsageError
from reviewkit.invite import verify
from reviewkit.invite_links import Places, binder_spec, links, qr_terminal, write_qr
from reviewkit.invite_list import LINES_MAX, parse_people
from reviewkit.invite_store import InviteChange, InviteStore, fold_invites
from reviewkit.invite_terms import Terms
from reviewkit.inviting import DAY, extend, make, revoke
from reviewkit.inviting import token as signed_again
from reviewkit.keyring import given_public_keys, new_key, public_text, read_keys, signing_key

ROOT = Path(__file__).resolve().parent.parent


# --- keys -------------------------------------------------------------------------------------------------------------
def test_a_first_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = signing_key(folder)
    assert signing_key(folder) == first
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert first.private.hex() not in repr(first)


def test_a_new_key_signs_and_the_old_one_still_verifies(tmp_path: Path) -> None:
    old = signing_key(tmp_path)
    before = make(find_bank(ROOT), "checkout", "c-1", Terms(), old, NOW)
    new = new_key(tmp_path)
    assert signing_key(tmp_path) == new
    keys = given_public_keys(public_text(read_keys(tmp_path)))
    assert verify(signed_again(before, tmp_path), keys, NOW) == before
    (tmp_path / "pub").write_text(public_text([new]))
    assert set(given_public_keys(str(tmp_path / "pub"))) == {new.kid}


def test_a_key_that_others_may_read_or_that_is_damaged_is_not_used(tmp_path: Path) -> None:
    signing_key(tmp_path)
    path = tmp_path / "invite-001.key"
    path.chmod(0o644)
    with pytest.raises(DataError, match="chmod 600"):
        read_keys(tmp_path)
    path.chmod(0o600)
    path.write_text("abc\n")
    with pytest.raises(DataError, match="not a signing key"):
        signing_key(tmp_path)
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(DataError, match="not a readable signing key"):
        signing_key(tmp_path)


def test_an_invite_whose_key_is_gone_is_not_signed_by_another(tmp_path: Path) -> None:
    signing_key(tmp_path)
    with pytest.raises(DataError, match="not here"):
        signed_again(invite(), tmp_path)


# --- claims -----------------------------------------------------------------------------------------------------------
def test_claims_come_from_the_scenario_and_the_terms(tmp_path: Path) -> None:
    key, bank = signing_key(tmp_path), find_bank(ROOT)
    made = make(bank, "checkout", "c-1", Terms(days=3, intake="https://x.org/"), key, NOW)
    scenario = bank.entry("checkout").scenario
    assert (made.version, made.minutes, made.exp, made.intake) == (scenario.version, scenario.minutes, NOW + 3 * DAY, "https://x.org")
    assert make(bank, "checkout", "c-1", Terms(seed=5, minutes=30), key, NOW).seed == 5
    for wrong in (Terms(minutes=0), Terms(seed=-1), Terms(intake="x"), Terms(retention_days=0)):
        with pytest.raises(UsageError):
            make(bank, "checkout", "c-1", wrong, key, NOW)
    with pytest.raises(UsageError, match="no names"):
        make(bank, "checkout", "Jane Doe", Terms(), key, NOW)


# --- history ----------------------------------------------------------------------------------------------------------
def test_history_is_kept_and_folded(tmp_path: Path) -> None:
    store = InviteStore(database_url(str(tmp_path / "s" / "store.sqlite")))
    one, two = invite(1, exp=NOW + DAY), invite(2, exp=NOW + DAY)

    async def work() -> None:
        await store.add([InviteChange(one, "created", NOW), InviteChange(two, "created", NOW)])
        await store.add([extend(await store.get(one.id), 5, NOW + 10)])
        await store.add([revoke(await store.get(two.id), NOW + 20)])

    asyncio.run(work())
    first, second = asyncio.run(store.all())
    assert (first.state(NOW + 2 * DAY), first.invite.exp, first.extended_n) == ("open", NOW + 10 + 5 * DAY, 1)
    assert (second.state(NOW), second.revoked_at) == ("revoked", NOW + 20)
    assert first.state(NOW + 9 * DAY) == "expired"
    with pytest.raises(UsageError, match="revoked before"):
        revoke(second, NOW)
    with pytest.raises(UsageError, match="was revoked"):
        extend(second, 5, NOW)
    with pytest.raises(UsageError, match="longer"):
        extend(first, 1, NOW)
    with pytest.raises(UsageError, match="reviewkit invite list"):
        asyncio.run(store.get("nothing"))


def test_a_revoked_invite_stays_revoked_whatever_comes_later() -> None:
    one = invite(1)
    later = one.model_copy(update={"exp": one.exp + 5})
    (known,) = fold_invites([InviteChange(one, "created", 1), InviteChange(one, "revoked", 2), InviteChange(later, "extended", 3)])
    assert known.state(0) == "revoked"


def test_a_store_that_is_none_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_text("not a database, not at all a database")
    with pytest.raises(DataError, match=r"store.sqlite: the store cannot be used"):
        asyncio.run(InviteStore(database_url(str(tmp_path / "store.sqlite"))).all())


# --- links ------------------------------------------------------------------------------------------------------------
def test_links_of_every_place_carry_the_whole_token() -> None:
    places = Places("org/repo@v1", "https://binder.org/", "https://hub.org", "http://localhost:8888")
    found = links(token(), places)
    assert [link.place for link in found] == ["mybinder.org", "BinderHub", "JupyterHub", "localhost"]
    for link in found[:3]:
        assert parse_qs(urlsplit(link.url).query)["urlpath"] == [f"reviewkit/open/{token()}"]
        assert link.url.count("#") == 0
        assert link.markdown.endswith(f"]({link.url})")
    assert found[0].url.startswith("https://mybinder.org/v2/gh/org/repo/v1?")
    assert found[1].badge == "https://binder.org/badge_logo.svg"
    pulled = parse_qs(urlsplit(found[2].url).query)
    assert urlsplit(found[2].url).path == "/hub/user-redirect/git-pull"
    assert (pulled["repo"], pulled["branch"]) == (["https://github.com/org/repo"], ["v1"])
    assert found[3].url == f"http://localhost:8888/reviewkit/open/{token()}"
    assert [link.place for link in links(token(), Places())] == ["localhost"]


def test_repositories_as_hubs_name_them() -> None:
    assert binder_spec("o/r") == "gh/o/r/HEAD"
    assert binder_spec("o/r@feature/x") == "gh/o/r/feature%2Fx"
    assert binder_spec("gl/group%2Fname/main") == "gl/group%2Fname/main"
    for wrong in ("o", "o/r/x", "https://github.com/o/r", "o/r?x", "gh/o", "../x"):
        with pytest.raises(UsageError):
            binder_spec(wrong)
    for wrong in ("hub.org", "https://h.org/?x", "javascript:alert(1)", "https://h.org/)[x"):
        with pytest.raises(UsageError):
            links(token(), Places(hub=wrong))


def test_a_qr_code_is_drawn_and_written(tmp_path: Path) -> None:
    url = links(token(), Places("org/repo"))[0].url
    drawn = qr_terminal(url)
    assert len({len(line) for line in drawn.strip("\n").split("\n")}) == 1
    assert set(drawn) <= set("█▄▀ \n")
    write_qr(url, tmp_path / "a" / "x.svg")
    assert (tmp_path / "a" / "x.svg").read_text().count("<path") >= 1


# --- lists ------------------------------------------------------------------------------------------------------------
def test_good_lines_are_people_and_bad_lines_are_sentences() -> None:
    text = "candidate,scenario,minutes\nc-1,stock,30\n=1+1,stock,30\n\nc-2,../x,30\nc-3,stock,601\nc-4,stock\nc-1,stock,9\nc-5,,\n"
    people = parse_people(("\ufeff" + text).encode(), "p.csv")
    assert [(p.line, p.candidate, p.scenario, p.minutes) for p in people.people] == [(2, "c-1", "stock", 30), (9, "c-5", None, None)]
    assert [fault.split(":")[1] for fault in people.faults] == [f" line {n}" for n in (3, 5, 6, 7, 8)]
    assert all("=1+1" not in fault and "../x" not in fault and fault.count("\n") == 0 for fault in people.faults)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "columns"), (b"name\nx\n", "columns"), (b"candidate,candidate\na,b\n", "columns"), (b"\xff\xfe", "UTF-8"), (b"candidate\na\0b", "not a CSV"), (b"x" * 1_000_001, "1 MB")],
)  # fmt: skip
def test_a_file_that_is_no_list_is_refused_whole(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_people(data, "p.csv")


def test_a_list_that_never_ends_is_cut() -> None:
    lines = "".join(f"c-{n}\n" for n in range(LINES_MAX + 50))
    people = parse_people(("candidate\n" + lines).encode(), "p.csv")
    assert (len(people.people), len(people.faults)) == (LINES_MAX, 1)


@given(st.text(max_size=200))
def test_whatever_stands_in_a_list_is_a_person_or_a_sentence(text: str) -> None:
    try:
        people = parse_people(("candidate,minutes\n" + text).encode("utf-8", "surrogatepass"), "p.csv")
    except UsageError:
        return
    for person in people.people:
        assert replace(person, line=0).candidate.isascii()
    assert all(fault.isprintable() for fault in people.faults)
