"""HTTP interface of the service."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from txservice import store
from txservice.db import build_engine, build_sessions, get_session
from txservice.models import TransactionRequest, TransactionView
from txservice.settings import Settings

logger = structlog.get_logger()
router = APIRouter()
Session = Annotated[AsyncSession, Depends(get_session)]


@router.get("/transactions/{merchant}/{key}")
async def read_transaction(
    merchant: str, key: str, session: Session
) -> TransactionView:
    """Show one recorded transaction."""
    found = await store.find(session, merchant, key)
    if found is None:
        raise HTTPException(404, detail="Unknown transaction")
    return found


@router.post("/transactions/process")
async def process_transaction(
    payment: TransactionRequest, session: Session
) -> dict[str, str]:
    """Record a payment; a report that arrives again is answered like the first."""
    log = logger.bind(merchant=payment.merchant, key=payment.idempotency_key)
    log.info("transaction_received")
    try:
        if not await store.merchant_exists(session, payment.merchant):
            raise HTTPException(404, detail="Unknown merchant")
        await store.record(session, payment)
        await session.commit()
    except HTTPException:
        raise
    except Exception as error:
        log.exception("transaction_failed")
        raise HTTPException(500, detail="Processing failed") from error
    log.info("transaction_processed")
    return {"status": "processed", "key": payment.idempotency_key}


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
