"""Remarks on the five scenarios, written for the tests alone: (scenario, defect whose lines they point at, text).

`DENIED` say that the flaw is not there; `OTHER_WORDS` see it, in clumsy English, in words far from the key's, in German or
in Spanish. None was used to choose a threshold or a guard.
"""

from __future__ import annotations

DENIED = (
    ("checkout", "blocking-gateway-call", "The HTTP call does not block the event loop, the client inside this async def is not synchronous."),
    ("checkout", "no-read-timeout", "Reading the reply is limited as well, the gateway cannot hang forever because httpx.Timeout does not disable the read timeout."),
    ("checkout", "card-in-log", "The card token is never written to the log here, no sensitive payment data is logged in clear text."),
    ("checkout", "session-left-open-on-error", "session.close() is reached on an exception too, no connection leaks on a declined card."),
    ("checkout", "new-key-per-attempt", "No attempt of a retry gets a fresh idempotency key, uuid4 is not generated inside the loop, so no retry is a new charge."),
    ("checkout", "upstream-text-to-customer", "The raw text of the gateway never ends up in the customer's error and no internal host names leak."),
    ("stock", "race", "There is no race condition in take, two concurrent orders cannot both read the same on_hand and pass the check."),
    ("stock", "commit-inside", "take does not commit the session it was handed, a multi-line order is not split and stays atomic."),
    ("stock", "lock-order", "Opposite transfers never deadlock, the two rows are not locked in opposite order."),
    ("stock", "n-plus-one", "No N+1 queries here, product and held quantity are not fetched one by one inside the loop."),
    ("stock", "negative-quantity", "Zero and negative quantities are not accepted, minus five does not pass validation."),
    ("stock", "courier-in-transaction", "The courier is not called while the transaction holds locks, no row lock is kept during the HTTP call."),
    ("assistant", "shared-answers", "The cache is not shared: no customer is served the personal answer of another customer who asks the same question."),
    ("assistant", "texts-in-log", "Neither the prompt nor the answer is written to the log, no personal data is logged."),
    ("assistant", "any-recipient", "The model cannot choose the recipient of the e-mail, no injected text can send data to another address."),
    ("assistant", "whole-record", "The record is not dumped into the prompt, payment_token and internal_notes never go to the provider."),
    ("transactions", "float-cents", "The float amount is not truncated on its way to cents, no cent is lost when money is converted."),
    ("transactions", "hidden-refusal", "The 404 raised inside the try is not caught by the broad except and never becomes a 500."),
    ("transactions", "pool-budget", "Twelve processes with 30 connections each do not exceed max_connections, the pool never exhausts Postgres."),
)  # fmt: skip
