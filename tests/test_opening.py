"""Opening an invite: each bad one gets its page, each visit the same copy, with or without a network; no token in any log."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_intake import NOW, PRIVATE, Intake, invite, patience, token
from made_opening import BASE, Candidate
from made_records import SLUG

from reviewkit.invite import Invite, key_id, public_key, sign
from reviewkit.invite_links import Places, links
from reviewkit.opening import RefusedError, Said, permit, terms_of
from reviewkit.redact import hide_tokens

pytestmark = pytest.mark.kernel
OTHER = bytes(range(1, 33))
DEAD = "http://127.0.0.1:9"
"""Nobody listens at the discard port."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Candidate]:
    made = Candidate(tmp_path_factory.mktemp("candidate")).prepare().start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    made = Intake(tmp_path_factory.mktemp("intake")).start()
    yield made
    made.stop()


def altered(text: str) -> str:
    head, payload, signature = text.split(".")
    return f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def foreign() -> str:
    return sign(invite(kid=key_id(public_key(OTHER))), OTHER)


BAD = {
    "malformed": ("rk1.qwertzuiop", 400, "damaged"),
    "altered": (altered(token()), 403, "altered"),
    "foreign": (foreign(), 403, "key is not known"),
    "expired": (token(exp=NOW - 100), 403, "has expired"),
    "not_yet_valid": (token(iat=2**35), 403, "not valid yet"),
    "no_scenario": (token(slug="other"), 404, "does not have the scenario"),
    "other_version": (token(version="2.0.0"), 409, "version 1.0.0"),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_invite_gets_a_page_that_says_why_and_what_to_do(server: Candidate, reason: str) -> None:
    text, status, words = BAD[reason]
    got, raw, headers = server.ask("GET", f"open/{text}")
    page = raw.decode()
    assert (got, headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert words in page
    assert f"<code>{reason}</code>" in page
    assert re.search(r"<p>[A-Z][^<]{10,}\.</p>", page), "what to do"
    assert text[5:40] not in page, "the token is not shown"
    assert str(server.root) not in page
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "<script" not in page


@pytest.mark.parametrize("text", ["", "x" * 3000, "%00", "..%2F..%2Fetc%2Fpasswd", "<b>x</b>", "a/b/c", "rk1." + "A" * 9000, "%ff%fe"])
def test_what_is_no_invite_at_all_is_400_and_not_echoed(server: Candidate, text: str) -> None:
    status, page, _ = server.open(text.replace("<", "%3C").replace(">", "%3E"))
    assert status == 400
    assert "Copy the whole link" in page
    assert "passwd" not in page
    assert "<b>" not in page


def test_a_server_without_keys_or_login_opens_nothing(server: Candidate, tmp_path: Path) -> None:
    status, _, headers = server.ask("GET", f"open/{token(2)}", login=False)
    assert status == 302
    assert headers["location"].startswith(f"{BASE}login?next=")
    assert not (server.root / f"{SLUG}-{invite(2).id}.ipynb").exists()
    bare = Candidate(tmp_path / "bare", {"REVIEWKIT_PUBKEY": ""}).prepare().start()
    try:
        status, page, _ = bare.open(number=2)
        assert status == 503
        assert "REVIEWKIT_PUBKEY" in page
    finally:
        bare.stop()


def test_the_link_leads_to_an_own_copy_and_starts_no_kernel(server: Candidate) -> None:
    record = invite(3).id
    status, _, place = server.open(number=3)
    assert status == 302
    assert place == f"{BASE}doc/workspaces/rk-{record}/tree/{SLUG}-{record}.ipynb"
    granted = server.granted(record)
    assert (granted.grant.record, granted.grant.candidate, granted.grant.preview) == (record, "c-3", False)
    assert granted.grant.terms == terms_of(invite(3))
    own = json.loads(granted.notebook.read_bytes())["metadata"]["reviewkit"]
    assert own["record"] | {"id": record, "candidate": "c-3"} == own["record"]
    assert token(3) not in granted.notebook.read_text()
    name = granted.notebook.name
    assert server.open(number=3)[2] == place
    assert server.json("GET", "/api/sessions")[1] == [], "JupyterLab starts it after the first drawing"
    assert server.ask("GET", f"open/{token(3)}?ui=notebook")[2]["location"] == f"{BASE}notebooks/{name}"
    cells = server.json("GET", f"/api/contents/{name}")[1]["content"]["cells"]
    assert all(cell["metadata"]["trusted"] for cell in cells if cell["cell_type"] == "code")


def test_a_second_visit_opens_the_same_copy_with_everything_in_it(server: Candidate) -> None:
    record = invite(4).id
    server.open(number=4)
    notebook = server.granted(record).notebook
    assert server.post(record, "early", "claim.judged", {"claim": "c1", "verdict": "true", "why": ""}) == 409, "not agreed yet"
    assert server.agree(record) == 201
    assert server.post(record, "o1", "claim.judged", {"claim": "c1", "verdict": "true", "why": ""}) == 201
    notebook.write_text(notebook.read_text().replace("print(1)", "print(2)"))
    before = notebook.read_bytes()
    assert server.open(number=4)[0] == 302
    assert notebook.read_bytes() == before
    assert [e.kind for e in server.journal(record).read().events] == ["consent.given", "claim.judged"]
    # The grants are lost, such as with another home: the work that lies there is taken up, not written over.
    (server.state / "grants.json").rename(server.state / "away.json")
    assert server.open(number=4)[0] == 302
    assert notebook.read_bytes() == before
    assert server.granted(record).notebook == notebook
    assert server.post(record, "o1", "claim.judged", {"claim": "c1", "verdict": "true", "why": ""}) == 200
    (server.state / "away.json").rename(server.state / "grants.json")


def test_a_file_of_somebody_else_is_never_written_over(server: Candidate) -> None:
    stray = server.root / f"{SLUG}-{invite(5).id}.ipynb"
    stray.write_text("mine")
    status, page, _ = server.open(number=5)
    assert status == 409
    assert stray.name in page
    assert stray.read_text() == "mine"


def test_a_copy_in_a_folder_right_below_is_found_by_its_kernel(server: Candidate, tmp_path: Path) -> None:
    """Where nbgitpuller put the repository."""
    pulled = server.root / "published"
    (pulled / "scenarios" / "pulled").mkdir(parents=True)
    blank = json.loads((server.root / "notebooks" / f"{SLUG}.ipynb").read_bytes())
    blank["metadata"]["reviewkit"]["slug"] = "pulled"
    (pulled / "notebooks").mkdir()
    (pulled / "notebooks" / "pulled.ipynb").write_text(json.dumps(blank))
    status, _, place = server.open(number=6, slug="pulled")
    assert status == 302
    assert place.endswith(f"/tree/published/pulled-{invite(6).id}.ipynb")


def test_without_a_network_the_work_begins_and_says_so(server: Candidate) -> None:
    record = invite(7).id
    started = time.monotonic()
    assert server.open(number=7, intake=DEAD)[0] == 302
    assert time.monotonic() - started < 20, "a dead intake does not hold up the candidate"
    assert server.agree(record, DEAD) == 201
    assert patience(20, lambda: server.json("GET", f"api/outbox/{record}")[1]["phase"] == "offline")
    facts = server.json("GET", f"api/outbox/{record}")[1]
    assert facts["reason"] == "unreachable"
    assert "Nothing is lost" in facts["message"]
    assert server.ask("GET", f"api/outbox/{invite(4).id}")[0] == 404, "an invite without an intake sends nothing"


def test_the_intake_knows_of_withdrawal_and_extension(server: Candidate, intake: Intake) -> None:
    kept = {"number": 8, "intake": intake.url}
    assert server.open(**kept)[0] == 302
    assert server.agree(invite(8).id, intake.url) == 201
    body = json.dumps({"change": "revoked", "exp": 0}).encode()
    assert intake.ask("POST", f"/v1/invites/{invite(8).id}", body, bearer=intake.hiring).status == 201
    status, page, _ = server.open(**kept)
    assert status == 403
    assert "withdrawn" in page
    assert f'href="{BASE}doc/tree/{SLUG}-{invite(8).id}.ipynb"' in page, "what was written stays in reach"
    late = {"number": 9, "intake": intake.url, "exp": NOW + 10}
    assert server.open(**late)[0] == 403
    body = json.dumps({"change": "extended", "exp": 2**35}).encode()
    assert intake.ask("POST", f"/v1/invites/{invite(9).id}", body, bearer=intake.hiring).status == 201
    assert server.open(**late)[0] == 302


def test_no_token_is_in_any_log(server: Candidate, intake: Intake) -> None:
    """Requests that succeed, are refused, and lead to the login page, whose address holds the link again."""
    text = token(10, intake=intake.url)
    server.ask("GET", f"open/{text}", login=False)
    server.ask("GET", f"/login?next={BASE.replace('/', '%2F')}reviewkit%2Fopen%2F{text}", login=False)
    server.open(text)
    server.open(altered(text))
    server.ask("GET", f"/api/none?x=reviewkit/open/{text}")
    assert "reviewkit/open/[invite]" in server.said, "the requests are logged all the same"
    for part in (token(3).split(".")[1], text.split(".")[1], text.split(".")[2], altered(text).split(".")[2]):
        assert part not in server.said
        assert part not in intake.said


@pytest.mark.parametrize(
    "text",
    ["302 GET /user/x/reviewkit/open/{} (x@127.0.0.1) 3ms", "GET /login?next=%2Freviewkit%2Fopen%2F{}", "invite {} is fine", "referer=http://h/reviewkit/open/{}?ui=lab"],
)
def test_tokens_are_hidden_wherever_they_stand(text: str) -> None:
    for form in (token(), token().replace(".", "%2E"), token()[:120]):
        hidden = hide_tokens(text.format(form))
        assert form[10:40] not in hidden
        assert "[invite]" in hidden
    assert hide_tokens("302 GET /lab 3ms rk10 rk1 rk1.") == "302 GET /lab 3ms rk10 rk1 rk1."


def test_the_links_that_are_printed_lead_to_the_route(server: Candidate) -> None:
    """BinderHub and nbgitpuller resolve `urlpath` below the server's own address; BinderHub adds the server's token."""
    from urllib.parse import parse_qs, urlsplit

    text = token(11)
    places = Places(repo="owner/name", binder="https://binder.example.org", hub="https://hub.example.org", local="http://localhost:8888")
    found = {link.place: urlsplit(link.url) for link in links(text, places)}
    paths = {place: parse_qs(parts.query)["urlpath"][0] for place, parts in found.items() if parts.query}
    paths["localhost"] = found["localhost"].path.lstrip("/")
    assert paths.keys() == {"mybinder.org", "BinderHub", "JupyterHub", "localhost"}
    for path in paths.values():
        status, _, headers = server.ask("GET", f"/{path}?token=token-of-the-tests", login=False)
        assert status == 302
        assert headers["location"].startswith(f"{BASE}doc/workspaces/rk-")
        assert "token=" not in headers["location"]


@pytest.mark.parametrize(
    ("said", "now", "reason"),
    [
        (Said(), NOW, None), (Said(is_revoked=True), NOW, "revoked"), (Said(is_expired=True), NOW, "expired"), (Said(), 2**37, "expired"),
        (Said(exp=2**38), 2**37, None), (Said(is_offline=True), NOW, None), (Said(), 0, "not_yet_valid"),
    ],
)  # fmt: skip
def test_the_intake_decides_where_it_answers(said: Said, now: int, reason: str | None) -> None:
    if reason is None:
        permit(invite(), now, said)
        return
    with pytest.raises(RefusedError) as refused:
        permit(invite(), now, said)
    assert (refused.value.reason, refused.value.status) == (reason, 403)


def test_a_policy_that_is_not_known_here_cannot_be_agreed_to() -> None:
    made = Invite.model_validate(invite().model_dump() | {"policy_text": "ai-later-9"})
    assert sign(made, PRIVATE)
    with pytest.raises(RefusedError) as refused:
        terms_of(made)
    assert refused.value.reason == "other_version"
