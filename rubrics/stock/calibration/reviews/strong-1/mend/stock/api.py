"""HTTP interface of the stock service."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from stock import holds, inventory, orders, transfers
from stock.db import make_engine, make_sessions
from stock.errors import StockError
from stock.schemas import HoldIn, OrderIn, RestockIn, TransferIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

log = structlog.get_logger()
router = APIRouter()


async def open_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Give a handler a session of its own; what it does not commit is rolled back."""
    async with request.app.state.sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]


@router.get("/levels/{product_id}")
async def show_levels(product_id: str, session: Session) -> list[dict[str, Any]]:
    """Levels of one product at every location."""
    levels = await inventory.levels_of(session, product_id)
    return [{"location": level.location, "on_hand": level.on_hand} for level in levels]


@router.get("/shelves/{location}")
async def show_shelves(location: str, session: Session) -> list[dict[str, Any]]:
    """Every shelf of one location, for the back office."""
    return await inventory.shelf_report(session, location)


@router.post("/orders", status_code=201)
async def place_order(wanted: OrderIn, session: Session) -> dict[str, Any]:
    """Take the units of an order."""
    order = await orders.place(session, wanted)
    await session.commit()
    return {"order_id": order.id, "request_id": order.request_id}


@router.post("/restocks", status_code=201)
async def restock(wanted: RestockIn, session: Session) -> dict[str, Any]:
    """Put a delivery on a shelf."""
    shelf = (wanted.product_id, wanted.location)
    on_hand = await inventory.restock(session, *shelf, wanted.quantity)
    await session.commit()
    return {"on_hand": on_hand}


@router.post("/holds", status_code=201)
async def place_hold(wanted: HoldIn, session: Session) -> dict[str, Any]:
    """Set units aside."""
    placed = await holds.hold(session, wanted)
    await session.commit()
    return {"hold_id": placed.id, "expires_at": placed.expires_at}


@router.post("/holds/expired")
async def release_expired(session: Session) -> dict[str, Any]:
    """Release what is over; the scheduler calls this once a minute."""
    released = await holds.release_expired(session, dt.datetime.now(dt.UTC))
    await session.commit()
    return {"released": released}


@router.post("/holds/{hold_id}/release")
async def release_hold(hold_id: str, session: Session) -> dict[str, Any]:
    """Give a hold back early."""
    held = await holds.release(session, hold_id)
    await session.commit()
    return {"hold_id": held.id, "status": held.status}


@router.post("/transfers", status_code=201)
async def transfer(wanted: TransferIn, request: Request) -> dict[str, Any]:
    """Send units to another location."""
    state = request.app.state
    moved = await transfers.move(state.sessions, state.courier, wanted)
    return {"transfer_id": moved.id, "pickup": moved.pickup}


async def record(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Log every request with its outcome."""
    place = {"method": request.method, "path": request.url.path}
    try:
        response = await call_next(request)
    except Exception as error:
        log.error("request.failed", error=repr(error)[:120], **place)
        raise
    log.info("request.served", status=response.status_code, **place)
    return response


async def refuse(_request: Request, error: StockError) -> JSONResponse:
    """Answer a refusal with its own status and code."""
    body = {"error": error.code, "detail": error.detail}
    return JSONResponse(body, status_code=error.status)


async def refuse_body(
    _request: Request, error: RequestValidationError
) -> JSONResponse:
    """Answer a body that does not fit in the same form as every other refusal."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    body = {"error": "invalid", "detail": f"{where}: {first['msg']}"}
    return JSONResponse(body, status_code=422)


def build_app(
    database_url: str, courier_url: str = "http://courier", **engine_options: Any
) -> FastAPI:
    """Build the service on a database; options go to the engine."""
    app = FastAPI(title="stock")
    app.state.engine = make_engine(database_url, **engine_options)
    app.state.sessions = make_sessions(app.state.engine)
    app.state.courier = httpx.AsyncClient(base_url=courier_url, timeout=5.0)
    app.middleware("http")(record)
    app.add_exception_handler(StockError, refuse)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, refuse_body)  # type: ignore[arg-type]
    app.include_router(router)
    return app
