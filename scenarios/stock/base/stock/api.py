"""HTTP interface of the stock service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from stock import inventory
from stock.db import make_engine, make_sessions
from stock.errors import StockError

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


def build_app(database_url: str, **engine_options: Any) -> FastAPI:
    """Build the service on a database; options go to the engine."""
    app = FastAPI(title="stock")
    app.state.engine = make_engine(database_url, **engine_options)
    app.state.sessions = make_sessions(app.state.engine)
    app.middleware("http")(record)
    app.add_exception_handler(StockError, refuse)  # type: ignore[arg-type]
    app.include_router(router)
    return app
