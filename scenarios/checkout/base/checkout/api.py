"""HTTP interface of the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.db import make_engine, make_sessions
from checkout.middleware import RequestId
from checkout.orders import OrderNotFoundError, OrderRepository
from checkout.settings import Settings

CustomerId = Annotated[str, Header(alias="X-Customer-Id")]


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Lend a session to a request."""
    async with request.app.state.sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


def build_app(settings: Settings) -> FastAPI:
    """Build the application of one process."""
    app = FastAPI()
    app.state.settings = settings
    app.state.engine = make_engine(settings)
    app.state.sessions = make_sessions(app.state.engine)
    app.add_middleware(RequestId)
    add_error_handlers(app)
    add_routes(app)
    return app


def add_error_handlers(app: FastAPI) -> None:
    """Turn the service's own errors into answers."""

    @app.exception_handler(OrderNotFoundError)
    async def not_found(_request: Request, _error: OrderNotFoundError) -> JSONResponse:
        return JSONResponse({"detail": "No such order."}, status_code=404)


def add_routes(app: FastAPI) -> None:
    """Register the endpoints."""

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/orders/{order_id}")
    async def read_order(
        order_id: str, customer_id: CustomerId, session: Session
    ) -> dict[str, str | int]:
        order = await OrderRepository(session).get(order_id, customer_id)
        return {
            "id": order.id,
            "status": order.status,
            "total_cents": order.total_cents,
            "currency": order.currency,
        }
