"""`reviewkit invite`: make, show, list, extend and revoke invites, and the keys that sign them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from reviewkit.errors import ReviewkitError, UsageError
from reviewkit.invite_terms import DAYS, FOCUS_MINUTES, RETENTION_DAYS, Terms, stage_days
from reviewkit.policy import AiUse

if TYPE_CHECKING:
    from reviewkit.invite import Invite
    from reviewkit.invite_links import Places
    from reviewkit.invite_store import InviteStore, KnownInvite

invite_app = typer.Typer(help="Links for candidates: signed, expiring, for one scenario each.", no_args_is_help=True)

BankOption = Annotated[Optional[Path], typer.Option("--bank", help="Folder that holds scenarios/.")]  # noqa: UP045
StoreOption = Annotated[
    str,
    typer.Option(
        "--store", help="File or URL of the store. Default: REVIEWKIT_STORE, else reviewkit-out/store.sqlite."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
RepoOption = Annotated[
    str,
    typer.Option(
        "--repo",
        envvar="REVIEWKIT_REPO",
        help="Published repository: owner/name, owner/name@branch, gl/group%2Fname/main.",
    ),
]
BinderOption = Annotated[str, typer.Option("--binder", envvar="REVIEWKIT_BINDER", help="Address of your BinderHub.")]
HubOption = Annotated[
    str, typer.Option("--hub", envvar="REVIEWKIT_HUB", help="Address of your JupyterHub (nbgitpuller).")
]
LocalOption = Annotated[
    str, typer.Option("--local", envvar="REVIEWKIT_LOCAL", help="Address of a Jupyter server on this machine.")
]
QrOption = Annotated[bool, typer.Option("--qr", help="Also show the first link as a QR code.")]
SvgOption = Annotated[Optional[Path], typer.Option("--svg", help="Folder for the first link's QR code as SVG.")]  # noqa: UP045
LOCAL = "http://localhost:8888"


@invite_app.command("create")
def create(
    slug: Annotated[str, typer.Argument(help="Scenario; with --from, for lines that name none.")] = "",
    candidate: Annotated[str, typer.Option("--candidate", help="Opaque id of the candidate; no names.")] = "",
    people: Annotated[Optional[Path], typer.Option("--from", help="CSV with the columns candidate, scenario, minutes, days, seed.")] = None,  # noqa: UP045
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="How long the link is valid.")] = DAYS,
    minutes: Annotated[Optional[int], typer.Option("--minutes", min=1, max=600, help="Time box. Default: the scenario's.")] = None,  # noqa: UP045
    seed: Annotated[Optional[int], typer.Option("--seed", min=0, max=2**31 - 1, help="Of the scenario's variant. Default: drawn.")] = None,  # noqa: UP045
    intake: Annotated[str, typer.Option("--intake", envvar="REVIEWKIT_INTAKE", help="Address of the intake. Without one, work comes as a file.")] = "",
    policy: Annotated[AiUse, typer.Option("--policy", help="AI assistants: not at all, declared, or freely.")] = AiUse.DECLARED,
    retention: Annotated[int, typer.Option("--retention-days", min=1, max=3650, help="How long you say you keep the record.")] = RETENTION_DAYS,
    focus: Annotated[int, typer.Option("--focus-minutes", min=0, max=600, help="Minutes from the start in which nobody watches; the first screen says it.")] = FOCUS_MINUTES,
    stage: Annotated[Optional[list[str]], typer.Option("--stage", metavar="NAME=DAY", help="When a later stage opens: architecture=2026-12-03, degraded=2026-12-05T14:00+01:00.")] = None,  # noqa: UP045
    bank: BankOption = None, store: StoreOption = "", repo: RepoOption = "", binder: BinderOption = "", hub: HubOption = "",
    local: LocalOption = LOCAL, qr: QrOption = False, svg: SvgOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Make invites and print their links.

    One for a candidate, or one for each line of a list.

    Example: reviewkit invite create checkout --candidate c-17 --intake https://intake.example.org
    """
    from reviewkit.invite_links import Places, links
    from reviewkit.invite_store import InviteChange

    places = Places(repo, binder, hub, local)
    links("rk1.x.y", places)  # a wrong address is said before anything is stored
    terms = Terms(minutes, days, seed, intake, policy, retention, focus, stage_days(stage or ()))
    if (people is None) == (not candidate):
        raise UsageError(
            "An invite is for one candidate or for a list.", "Give either --candidate c-17 or --from people.csv."
        )
    now = int(time.time())
    if people is None:
        made, faults = _made_one(slug, candidate, terms, bank, now), list[str]()
    else:
        made, faults = _made_many(people, slug, terms, bank, now)
    asyncio.run(_store(store).add([InviteChange(invite, "created", now) for invite in made]))
    _show(made, places, qr=qr, svg=svg, as_json=as_json)
    for fault in faults:
        typer.echo(fault, err=True)
    raise typer.Exit(1 if faults else 0)


def _made_one(slug: str, candidate: str, terms: Terms, bank: Path | None, now: int) -> list[Invite]:
    from reviewkit.bank import find_bank
    from reviewkit.inviting import make
    from reviewkit.keyring import keys_folder, signing_key

    if not slug:
        raise UsageError(
            "No scenario is named.", "Give one, such as: reviewkit invite create checkout --candidate c-17"
        )
    found = find_bank(bank)
    found.entry(slug)
    return [make(found, slug, candidate, terms, signing_key(keys_folder()), now)]


def _made_many(path: Path, slug: str, terms: Terms, bank: Path | None, now: int) -> tuple[list[Invite], list[str]]:
    """Invites of a list, and one sentence for each line without one."""
    from reviewkit.bank import find_bank
    from reviewkit.errors import printable
    from reviewkit.invite_list import read_people
    from reviewkit.inviting import make
    from reviewkit.keyring import keys_folder, signing_key

    listed, found, key = read_people(path), find_bank(bank), signing_key(keys_folder())
    made, faults = [], list(listed.faults)
    for person in listed.people:
        own = replace(
            terms,
            minutes=person.minutes if person.minutes is not None else terms.minutes,
            days=person.days if person.days is not None else terms.days,
            seed=person.seed if person.seed is not None else terms.seed,
        )
        try:
            wanted = person.scenario or slug
            if not wanted:
                raise UsageError("no scenario is named.", "Add a column scenario, or name one after create.")
            made.append(make(found, wanted, person.candidate, own, key, now))
        except ReviewkitError as error:
            faults.append(f"{printable(path.name)}: line {person.line}: {error}")
    return made, faults


@invite_app.command("show")
def show(
    invite: Annotated[str, typer.Argument(help="Id of the invite.")], store: StoreOption = "", repo: RepoOption = "",
    binder: BinderOption = "", hub: HubOption = "", local: LocalOption = LOCAL, qr: QrOption = False, svg: SvgOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Print the links of an invite again.

    Example: reviewkit invite show 3f0c2a9b51d74e08 --qr
    """
    from reviewkit.invite_links import Places

    known = asyncio.run(_store(store).get(invite))
    _show([known.invite], Places(repo, binder, hub, local), qr=qr, svg=svg, as_json=as_json)


@invite_app.command("list")
def list_invites(store: StoreOption = "", as_json: JsonOption = False) -> None:
    """List all invites and whether they can be used.

    Example: reviewkit invite list --json
    """
    from reviewkit.views import print_table

    now = time.time()
    rows = [_row(known, now) for known in asyncio.run(_store(store).all())]
    if as_json:
        typer.echo(json.dumps(rows))
    else:
        print_table("Invites", rows)


@invite_app.command("extend")
def extend(
    invite: Annotated[str, typer.Argument(help="Id of the invite.")],
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="From now.")] = DAYS,
    store: StoreOption = "", repo: RepoOption = "", binder: BinderOption = "", hub: HubOption = "", local: LocalOption = LOCAL,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Make an invite valid for longer.

    The record stays the same; prints the new links and tells the intake.

    Example: reviewkit invite extend 3f0c2a9b51d74e08 --days 3
    """
    from reviewkit.invite_changes import extended
    from reviewkit.invite_links import Places

    change = asyncio.run(extended(_store(store), invite, days, int(time.time())))
    _show([change.invite], Places(repo, binder, hub, local), qr=False, svg=None, as_json=as_json)


@invite_app.command("revoke")
def revoke(invite: Annotated[str, typer.Argument(help="Id of the invite.")], store: StoreOption = "") -> None:
    """Withdraw an invite for good.

    Tells the intake, which then takes nothing more from it.

    Example: reviewkit invite revoke 3f0c2a9b51d74e08
    """
    from reviewkit.invite_changes import withdrawn

    asyncio.run(withdrawn(_store(store), invite, int(time.time())))
    typer.echo(f"Invite {invite} is withdrawn.")


@invite_app.command("key")
def key(
    public: Annotated[bool, typer.Option("--public", help="Print the public keys, for REVIEWKIT_PUBKEY.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Make another key, which signs from now on.")] = False,
) -> None:
    """Show, export or make signing keys.

    Without an option it shows their ids.

    Example: reviewkit invite key --public > invite.pub
    """
    from reviewkit.keyring import keys_folder, new_key, public_text, read_keys, signing_key

    folder = keys_folder()
    if new:
        new_key(folder)
    signing_key(folder)
    keys = read_keys(folder)
    if public:
        typer.echo(public_text(keys))
        return
    for pair in keys:
        typer.echo(f"{pair.number}  {pair.kid}{'  signs' if pair is keys[-1] else ''}")
    typer.echo(f"The private keys lie in {folder}: keep a copy in a safe place, and give them to nobody.")


def _store(place: str) -> InviteStore:
    from reviewkit.database import store_url
    from reviewkit.invite_store import InviteStore

    return InviteStore(store_url(place or None, Path("reviewkit-out")))


def _row(known: KnownInvite, now: float) -> dict[str, Any]:
    invite = known.invite
    return {
        "invite": invite.id, "candidate": invite.candidate, "scenario": invite.slug, "minutes": str(invite.minutes),
        "expires": _day(invite.exp), "state": known.state(now),
    }  # fmt: skip


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _show(made: Sequence[Invite], places: Places, *, qr: bool, svg: Path | None, as_json: bool) -> None:
    """Print links of invites."""
    from reviewkit.invite_links import links, qr_terminal, write_qr
    from reviewkit.inviting import token
    from reviewkit.keyring import keys_folder

    told = []
    for invite in made:
        signed = token(invite, keys_folder())
        found = links(signed, places)
        if svg is not None:
            write_qr(found[0].url, svg / f"invite-{invite.id}.svg")
        if as_json:
            links_told = [{"place": link.place, "url": link.url, "markdown": link.markdown} for link in found]
            told.append({**invite.model_dump(mode="json"), "token": signed, "links": links_told})
            continue
        typer.echo(
            f"{invite.candidate}: {invite.slug}, {invite.minutes} minutes, until {_day(invite.exp)}. Invite {invite.id}"
        )
        for link in found:
            typer.echo(f"  {link.place}\n    {link.url}\n    {link.markdown}")
        if qr:
            typer.echo(qr_terminal(found[0].url))
    if as_json:
        typer.echo(json.dumps(told))
    elif any(link.place == "mybinder.org" for link in (links("rk1.x.y", places) if made else [])):
        typer.echo("mybinder.org is for public, free use: no commercial interviews there.")
    elif made and not places.repo:
        typer.echo("Name the published repository with --repo or REVIEWKIT_REPO for mybinder.org and BinderHub links.")
