"""Routes of the intake. Contract: docs/intake.md, section 2, and the service's own `/openapi.json`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError
from starlette.exceptions import HTTPException

from reviewkit import __version__, log
from reviewkit.errors import IntakeError
from reviewkit.event import timestamp
from reviewkit.intake import reading
from reviewkit.intake.acceptance import invalid, read_batch
from reviewkit.intake.guard import Guard, extra_headers, refusal_body, refusal_of
from reviewkit.intake.limits import BATCH_MAX, STREAMS_MAX, Refusal
from reviewkit.intake.rows import Bearer
from reviewkit.intake.service import REFRESH_SECONDS, Service, aside, too_often
from reviewkit.intake.stream import follow, parse_id

Facts = dict[str, Any]


class Refused(BaseModel):
    """Every answer that is no success."""

    reason: str
    message: str


class Stored(BaseModel):
    """Receipt of a submission."""

    receipt: str
    sha256: str
    received_at: str
    size: int


class Acknowledged(BaseModel):
    """A record is stored up to `count`, whose hash is `head`."""

    record: str
    count: int
    head: str
    receipt: str


class InviteChange(BaseModel):
    """What the hiring side says of an invite."""

    model_config = ConfigDict(extra="forbid")

    change: Literal["revoked", "extended"]
    exp: Annotated[StrictInt, Field(ge=0, le=2**40)] = 0


_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": Refused} for code in (400, 401, 403, 404, 408, 409, 411, 413, 415, 422, 429, 503, 507)
}
_EVENT_SHAPE: Final = {
    "type": "object",
    "required": ["seq", "t", "op", "kind", "data", "prev", "hash"],
    "properties": {
        "seq": {"type": "integer", "minimum": 1}, "t": {"type": "string"}, "op": {"type": "string"},
        "kind": {"type": "string"}, "data": {"type": "object"}, "prev": {"type": "string"}, "hash": {"type": "string"},
    },
}  # fmt: skip
_BATCH_SHAPE: Final = {
    "type": "object", "required": ["events"], "additionalProperties": False,
    "properties": {"events": {"type": "array", "minItems": 1, "maxItems": BATCH_MAX, "items": _EVENT_SHAPE}},
}  # fmt: skip
_NOTEBOOK_SHAPE: Final = {"type": "object", "required": ["cells", "metadata", "nbformat", "nbformat_minor"]}

router: Final = APIRouter(responses=_REFUSALS, dependencies=[Depends(HTTPBearer(auto_error=False))])
open_router: Final = APIRouter(responses={503: {"model": Refused}})


def _posted(shape: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape}}}}


async def _service(request: Request) -> Service:  # async: plain functions are sent to another thread
    found: Service = request.app.state.service
    return found


async def _candidate(request: Request) -> Bearer:
    return await (await _service(request)).candidate(request)


async def _hiring(request: Request) -> None:
    await (await _service(request)).hiring(request)


async def _asker(request: Request) -> Bearer | None:
    return await (await _service(request)).asker(request)


ServiceOf = Annotated[Service, Depends(_service)]
Candidate = Annotated[Bearer, Depends(_candidate)]
Hiring = Depends(_hiring)
Asker = Annotated[Bearer | None, Depends(_asker)]
Record = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
InviteOf = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{8,40}$")]
After = Annotated[int, Query(ge=0, le=2**53)]
Key = Annotated[str, Header(pattern=r"^[A-Za-z0-9_-]{8,80}$")]
ReceiptId = Annotated[str, Path(pattern=r"^r_[A-Za-z0-9_-]{32}$")]


@router.post(
    "/v1/records/{record}/events", openapi_extra=_posted(_BATCH_SHAPE), responses={201: {"model": Acknowledged}}
)
async def post_events(
    request: Request, response: Response, record: Record, who: Candidate, service: ServiceOf
) -> Acknowledged:
    """Store the events of a batch that are new: 201; all known: 200. 409 `gap` says from which number to send."""
    async with service.body(request, who.invite.id) as body:
        batch = await aside(read_batch, body.data)
        ack = await service.storage.add_events(who, record, batch, timestamp())
    service.metrics.events.inc(ack.new_n)
    response.status_code = 201 if ack.new_n else 200
    return Acknowledged(record=record, count=ack.head.seq, head=ack.head.hash, receipt=ack.receipt)


@router.get("/v1/records/{record}")
async def get_record(
    record: Record, who: Asker, service: ServiceOf, invite: InviteOf = None, after: After = 0
) -> Facts:
    """The stored events of a record after a number; `more` says that there are further ones."""
    owner = _owner(who, invite)
    found = await service.storage.read(lambda c: reading.record_page(c, owner, record, after))
    if found is None:
        raise _nothing_here()
    return found


@router.post("/v1/submissions", openapi_extra=_posted(_NOTEBOOK_SHAPE), responses={201: {"model": Stored}})
async def post_submission(
    request: Request, response: Response, who: Candidate, service: ServiceOf, idempotency_key: Key
) -> Stored:
    """Store a completed notebook: 201 with its receipt; the same key and bytes again: 200 with the same receipt."""
    if len(request.headers.getlist("idempotency-key")) != 1:
        raise invalid("More than one Idempotency-Key was sent")
    async with service.body(request, who.invite.id) as body:
        sha256 = await aside(reading.sha256_of, body.data)
        receipt = await service.storage.find_submission(who.invite.id, idempotency_key, sha256)
        if receipt is None:
            await service.check_notebook(body, who.invite)
            receipt = await service.storage.add_submission(who, idempotency_key, body.data, timestamp())
    if receipt.is_new:
        service.metrics.submissions.inc()
        service.metrics.stored.inc(receipt.size)
    response.status_code = 201 if receipt.is_new else 200
    return Stored(receipt=receipt.receipt, sha256=receipt.sha256, received_at=receipt.received_at, size=receipt.size)


@router.get("/v1/receipts/{receipt}")
async def get_receipt(receipt: ReceiptId, who: Asker, service: ServiceOf) -> Facts:
    """What a receipt proves: an invite sees its own, the hiring side all."""
    owner = who.invite.id if who else None
    found = await service.storage.read(lambda c: reading.receipt_facts(c, receipt, owner))
    if found is None:
        raise _nothing_here()
    return found


@router.get("/v1/invite")
async def get_invite(who: Candidate, service: ServiceOf) -> Facts:
    """What the intake knows of the invite that asks: until when it is valid, its records and submissions."""
    invite = who.invite
    records, submissions = await service.storage.read(
        lambda c: (reading.records_of(c, invite.id), reading.submissions_page(c, invite.id, 0))
    )
    until = max(invite.exp, service.storage.extended.get(invite.id, 0))
    return {"invite": invite.id, "exp": until, "records": records, "submissions": submissions}


@router.get("/v1/invites", dependencies=[Hiring])
async def get_invites(service: ServiceOf) -> Facts:
    """Hiring side: every invite that something was received with."""
    states = await service.storage.read(reading.invite_states)
    revoked, extended = service.storage.revoked, service.storage.extended
    return {
        "invites": [
            {**s, "revoked": s["invite"] in revoked, "exp": max(s["exp"], extended.get(s["invite"], 0))} for s in states
        ]
    }


@router.post(
    "/v1/invites/{invite}",
    dependencies=[Hiring],
    openapi_extra=_posted(InviteChange.model_json_schema()),
    status_code=201,
)
async def post_invite_change(
    request: Request, invite: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{8,40}$")], service: ServiceOf
) -> Facts:
    """Hiring side: withdraw an invite, or prolong it without a new link."""
    async with service.body(request, "hiring") as body:
        try:
            change = InviteChange.model_validate(json.loads(body.data))
        except (ValidationError, ValueError, RecursionError):
            raise invalid("The body is not a change of an invite") from None
    await service.storage.change_invite(invite, change.change, change.exp, timestamp())
    return {"invite": invite, "change": change.change}


@router.get("/v1/submissions", dependencies=[Hiring])
async def get_submissions(service: ServiceOf, after: After = 0, invite: InviteOf = None) -> Facts:
    """Hiring side: submissions after an id, oldest first, without their bodies."""
    return {"submissions": await service.storage.read(lambda c: reading.submissions_page(c, invite, after))}


@router.get(
    "/v1/submissions/{receipt}",
    dependencies=[Hiring],
    responses={200: {"content": {"application/json": {"schema": {}}}}},
)
async def get_submission(receipt: ReceiptId, service: ServiceOf) -> Response:
    """Hiring side: the completed notebook, byte for byte."""
    body = await service.storage.read(lambda c: reading.submission_body(c, receipt))
    if body is None:
        raise _nothing_here()
    return Response(body, media_type="application/json")


@router.delete("/v1/candidates/{candidate}", dependencies=[Hiring])
async def delete_candidate(
    candidate: Annotated[str, Path(pattern=r"^[A-Za-z0-9_.@+-]{1,80}$")], service: ServiceOf
) -> Facts:
    """Hiring side: delete everything of a candidate for good and withdraw the invites; says how much went."""
    gone = await service.storage.purge(candidate, timestamp())
    log.get().info(log.DATA_PURGED, **{f"{name}_n": count for name, count in gone.items()})
    return {"deleted": gone}


@router.get(
    "/v1/stream",
    dependencies=[Hiring],
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def get_stream(
    service: ServiceOf,
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9.]{3,37}$")] = None,
    invite: InviteOf = None,
) -> StreamingResponse:
    """Hiring side: what arrives, of all invites or of one, as server-sent events; `Last-Event-ID` goes on where a connection ended."""
    after = parse_id(last_event_id)
    if after is None:
        raise invalid("This is no id of the stream")
    if service.streams_n >= STREAMS_MAX:
        raise too_often()

    async def lines() -> AsyncIterator[str]:
        service.streams_n += 1
        try:
            async for line in follow(service.storage, after, service.closing, invite):
                yield line
        finally:
            service.streams_n -= 1

    return StreamingResponse(lines(), media_type="text/event-stream")


@open_router.get("/healthz")
async def healthz() -> Facts:
    """Whether the process answers."""
    return {"alive": True}


@open_router.get("/readyz")
async def readyz(service: ServiceOf) -> Facts:
    """Whether submissions are accepted."""
    stopped = service.storage.stopped
    if stopped is not None:
        raise stopped
    if service.closing.is_set():
        raise IntakeError("stopping", "The intake is being stopped", "Please retry.", 503)
    if not await service.storage.is_readable():
        raise IntakeError("failed", "The database does not answer", "Look at the service's log.", 503)
    return {"ready": True, "version": __version__}


@open_router.get("/metrics", responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
async def metrics(service: ServiceOf) -> Response:
    """Counters in Prometheus text form."""
    service.metrics.arriving.set(service.arriving_n)
    service.metrics.free.set(service.storage.free_bytes() or 0)
    service.metrics.ready.set(0 if service.storage.stopped or service.closing.is_set() else 1)
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _owner(who: Bearer | None, invite: str | None) -> str:
    """Whose record is asked for: an invite's own; the hiring side names one."""
    if who is not None:
        if invite not in (None, who.invite.id):
            raise _nothing_here()
        return who.invite.id
    if invite is None:
        raise invalid("The hiring side names the invite with ?invite=")
    return invite


def _nothing_here() -> IntakeError:
    return IntakeError("not_found", "There is nothing of this name here", "Check the address.", 404)


async def _on_intake_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, IntakeError)  # noqa: S101 - registered for it
    return _answer(refusal_of(error))


async def _on_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    texts = {404: "There is nothing at this address.", 405: "This address does not take such a request."}
    reason = {404: "not_found", 405: "wrong_method"}.get(error.status_code, "invalid")
    allow = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return _answer(
        Refusal(error.status_code, reason, texts.get(error.status_code, "The request cannot be answered.")), allow
    )


async def _on_wrong_value(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    place = next((str(step) for step in reversed(first["loc"]) if isinstance(step, str)), "request")
    known = ("record", "receipt", "invite", "candidate", "after", "idempotency-key", "last-event-id")
    return _answer(
        refusal_of(invalid(f"The value of {place if place.lower() in known else 'the request'} is missing or wrong"))
    )


def _answer(refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    extra = {name.decode(): value.decode() for name, value in extra_headers(refusal)}
    return Response(refusal_body(refusal), refusal.status, {**extra, **(headers or {})}, "application/json")


def make_app(service: Service) -> Guard:
    """The guarded ASGI application of a service."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        refreshing = asyncio.create_task(_keep_fresh(service))
        yield
        service.closing.set()
        refreshing.cancel()
        with suppress(asyncio.CancelledError):
            await refreshing

    app = FastAPI(
        title="reviewkit intake", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan,
        redirect_slashes=False, default_response_class=JSONResponse,
    )  # fmt: skip
    app.state.service = service
    app.include_router(router)
    app.include_router(open_router)
    app.add_exception_handler(IntakeError, _on_intake_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_wrong_value)
    return Guard(app, service.metrics)


async def _keep_fresh(service: Service) -> None:
    """Notice what other processes did to invites."""
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        with suppress(IntakeError):
            await service.storage.refresh_changes()
