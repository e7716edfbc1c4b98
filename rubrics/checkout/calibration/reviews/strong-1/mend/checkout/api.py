"""HTTP interface of the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, SecretStr
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from checkout.db import make_engine, make_sessions
from checkout.middleware import RequestId
from checkout.orders import OrderNotFoundError, OrderRepository
from checkout.payments import (
    Gateway,
    GatewayError,
    GatewayRestingError,
    PaymentDeclinedError,
)
from checkout.receipts import Receipts
from checkout.service import (
    CheckoutInProgressError,
    CheckoutService,
    OrderNotPayableError,
    PaymentPendingError,
)
from checkout.settings import Settings

log = structlog.get_logger()

CustomerId = Annotated[str, Header(alias="X-Customer-Id")]


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Lend a session to a request."""
    async with request.app.state.sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


def get_gateway(request: Request) -> Gateway:
    """Lend the payment gateway to a request."""
    gateway: Gateway = request.app.state.gateway
    return gateway


def get_service(
    request: Request,
    gateway: Annotated[Gateway, Depends(get_gateway)],
) -> CheckoutService:
    """Put the checkout service of a request together."""
    state = request.app.state
    return CheckoutService(
        state.sessions,
        gateway,
        state.receipts,
        state.settings.checkout_lease,
        state.tasks,
    )


class CheckoutRequest(BaseModel):
    """How the customer wants to pay."""

    card: SecretStr


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Finish what is under way before the process ends."""
    yield
    while app.state.tasks:
        await asyncio.gather(*app.state.tasks, return_exceptions=True)
    await app.state.gateway.close()
    await app.state.receipts.close()
    await app.state.engine.dispose()


def build_app(settings: Settings) -> FastAPI:
    """Build the application of one process."""
    app = FastAPI(lifespan=lifespan)
    app.state.settings = settings
    app.state.engine = make_engine(settings)
    app.state.sessions = make_sessions(app.state.engine)
    app.state.receipts = Receipts(settings)
    app.state.gateway = Gateway(settings)
    app.state.tasks = set()
    app.add_middleware(RequestId)
    add_error_handlers(app)
    add_routes(app)
    return app


def add_error_handlers(app: FastAPI) -> None:
    """Turn the service's own errors into answers."""

    @app.exception_handler(OrderNotFoundError)
    async def not_found(_request: Request, _error: OrderNotFoundError) -> JSONResponse:
        return JSONResponse({"detail": "No such order."}, status_code=404)

    @app.exception_handler(GatewayError)
    async def gateway_failed(_request: Request, error: GatewayError) -> JSONResponse:
        log.warning("checkout.gateway_failed", problem=str(error))
        detail = "The bank did not answer. Please try again; you pay only once."
        return JSONResponse({"detail": detail}, status_code=502)

    @app.exception_handler(PaymentPendingError)
    async def pending(_request: Request, _error: PaymentPendingError) -> JSONResponse:
        detail = "Your bank has not decided yet. We will write to you."
        return JSONResponse({"detail": detail}, status_code=202)

    @app.exception_handler(SQLAlchemyError)
    async def database(_request: Request, error: SQLAlchemyError) -> JSONResponse:
        log.error("database.failed", problem=type(error).__name__)
        detail = "Something went wrong here, please try again."
        return JSONResponse({"detail": detail}, status_code=503)

    @app.exception_handler(PaymentDeclinedError)
    async def declined(_request: Request, _error: PaymentDeclinedError) -> JSONResponse:
        detail = "Your bank declined this card. Please try another one."
        return JSONResponse({"detail": detail}, status_code=402)

    @app.exception_handler(GatewayRestingError)
    async def resting(_request: Request, _error: GatewayRestingError) -> JSONResponse:
        detail = "Payments are not available, try again in a minute."
        return JSONResponse({"detail": detail}, status_code=503)

    @app.exception_handler(CheckoutInProgressError)
    @app.exception_handler(OrderNotPayableError)
    async def conflict(_request: Request, _error: Exception) -> JSONResponse:
        detail = "The order cannot be paid now."
        return JSONResponse({"detail": detail}, status_code=409)


def add_routes(app: FastAPI) -> None:
    """Register the endpoints."""

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/orders/{order_id}")
    async def read_order(
        order_id: str,
        customer_id: CustomerId,
        session: Session,
    ) -> dict[str, str | int]:
        order = await OrderRepository(session).get(order_id, customer_id)
        return {
            "id": order.id,
            "status": order.status,
            "total_cents": order.total_cents,
            "currency": order.currency,
        }

    @app.post("/orders/{order_id}/checkout")
    async def checkout(
        order_id: str,
        body: CheckoutRequest,
        customer_id: CustomerId,
        service: Annotated[CheckoutService, Depends(get_service)],
    ) -> dict[str, str | int]:
        payment = await service.pay(order_id, customer_id, body.card.get_secret_value())
        return {
            "order_id": order_id,
            "status": "paid",
            "charge_id": payment.charge_id,
            "amount_cents": payment.amount_cents,
        }
