-- Runs on PostgreSQL in production and on SQLite in the tests.
CREATE TABLE merchants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE transactions (
    merchant TEXT NOT NULL REFERENCES merchants (id),
    idempotency_key TEXT NOT NULL,
    receipt TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (merchant, idempotency_key),
    UNIQUE (merchant, receipt)
);
