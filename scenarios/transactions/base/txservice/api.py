"""HTTP interface of the service."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from txservice import store
from txservice.db import build_engine, build_sessions
from txservice.models import TransactionView
from txservice.settings import Settings

logger = structlog.get_logger()
router = APIRouter()


@router.get("/transactions/{merchant}/{key}")
async def read_transaction(
    merchant: str, key: str, request: Request
) -> TransactionView:
    """Show one recorded transaction."""
    async with request.app.state.sessions() as session:
        found = await store.find(session, merchant, key)
    if found is None:
        raise HTTPException(404, detail="Unknown transaction")
    return found


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Name the fields that were refused; what the client sent is not repeated."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    fields = [
        {"field": ".".join(map(str, fault["loc"])), "reason": fault["msg"]}
        for fault in faults
    ]
    logger.info("request_refused", path=request.url.path, fields=fields)
    return JSONResponse({"detail": fields}, status_code=422)


def build_app(settings: Settings) -> FastAPI:
    """Put the service together; one engine per process."""
    app = FastAPI(title="Transactions")
    app.state.engine = build_engine(settings)
    app.state.sessions = build_sessions(app.state.engine)
    app.add_exception_handler(RequestValidationError, refuse)
    app.include_router(router)
    return app
