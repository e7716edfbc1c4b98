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
OTHER_WORDS = (
    # clumsy English
    ("checkout", "blocking-gateway-call", "is sync client here in async function, all other request must standing still when bank is slow"),
    ("checkout", "card-in-log", "They put number of card in logging, is forbidden from card rules, everybody see it"),
    ("checkout", "session-left-open-on-error", "If come exception then session never get close, after some times pool is empty"),
    ("stock", "race", "two person buying same moment, both looks is enough, both takes, then we have sell too much"),
    ("stock", "lock-order", "transfer A to B and transfer B to A same time they wait each other for ever"),
    ("assistant", "texts-in-log", "whole talk of customer is write in log also email, not good for privacy law"),
    ("assistant", "any-recipient", "the AI say where mail go, so bad man can let send it to him self"),
    ("ledger", "local-day", "date is take with time zone of partner, near midnight it come in wrong day"),
    ("ledger", "seen-grows", "this set only become bigger and bigger, never somebody clean it, memory go full"),
    ("transactions", "float-cents", "with float the cent come wrong, example 1.15 give 114"),
    # far from the key's words
    ("checkout", "upstream-text-to-customer", "Shoppers get to read what the bank's machine told ours, right down to which box it ran on."),
    ("checkout", "breaker-per-request", "The thing that is meant to remember past trouble is thrown away after every visitor."),
    ("stock", "unbounded-listing", "A depot with a huge assortment would be shipped over the wire in one go."),
    ("stock", "courier-in-transaction", "While we chat with the van company, nobody else may touch those shelves."),
    ("assistant", "shared-answers", "Whoever phrases their wish like the previous visitor is shown that stranger's details."),
    ("assistant", "drift-unseen", "Should the vendor swap the brain overnight we would only hear of it from angry people."),
    ("ledger", "self-check", "It compares a number with itself and then congratulates itself."),
    ("ledger", "vacuous-test", "This would stay green with the production code deleted."),
    ("transactions", "pool-budget", "Add up what every worker may open and the server is out of slots before lunch."),
    # German
    ("checkout", "no-read-timeout", "Für das Lesen der Antwort gibt es keine Frist, die Anfrage hängt im schlimmsten Fall ewig."),
    ("stock", "n-plus-one", "Für jede Zeile werden noch zwei weitere Abfragen abgesetzt, bei 9000 Fächern dauert das ewig."),
    ("assistant", "whole-record", "Der komplette Kundendatensatz samt Zahlungstoken und internen Notizen geht an den Anbieter."),
    ("ledger", "null-as-text", "Aus einem fehlenden Währungscode wird der Text NONE, weil hier einfach str() aufgerufen wird."),
    ("transactions", "hidden-refusal", "Die eigene 404 wird vom pauschalen except gleich wieder gefangen und kommt als 500 heraus."),
    # Spanish
    ("checkout", "new-key-per-attempt", "En cada reintento se genera una clave nueva, así que el banco cobra dos veces."),
    ("stock", "release-twice", "Dos liberaciones simultáneas ven el mismo estado y devuelven las unidades dos veces."),
    ("assistant", "answers-unchecked", "Si el modelo no devuelve un JSON válido salta una excepción y el cliente ve un error 500."),
    ("ledger", "non-finite", "float() acepta NaN e infinito, así que entran importes que no son números."),
    ("transactions", "key-reuse", "Si llega otro pago con la misma clave se responde que está procesado aunque el importe sea distinto."),
)  # fmt: skip
