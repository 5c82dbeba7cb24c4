-- Webhooks, their queue, and what a message leaves besides its envelopes.

-- Bits: 1 an active webhook wants message.new, 2 there is a wake webhook, 4 an active webhook wants something else. A
-- send asks no more than this.
ALTER TABLE inbox ADD COLUMN hooks INTEGER NOT NULL DEFAULT 0;
UPDATE inbox SET hooks = 2 WHERE agent IN (SELECT agent FROM wake_webhook);

ALTER TABLE member ADD COLUMN notify INTEGER NOT NULL DEFAULT 0;     -- what wakes it: 0 all, 1 mentions, 2 none

ALTER TABLE message ADD COLUMN trace TEXT;                           -- traceparent; after a line break tracestate

CREATE TABLE webhook (
    pk               INTEGER PRIMARY KEY,
    id               BLOB    NOT NULL UNIQUE,
    agent            INTEGER NOT NULL,           -- 0: it was deleted, and its deliveries are being removed
    url              TEXT    NOT NULL,
    events           INTEGER NOT NULL,           -- bits: 1 message.new, 2 message.read, 4 presence.update,
                                                 -- 8 contact.blocked, 16 group.invite.received, 32 group.deleted
    secret           TEXT    NOT NULL,
    old_secret       TEXT,                       -- signs too, until
    old_secret_until INTEGER,
    active           INTEGER NOT NULL DEFAULT 1,
    disabled_reason  INTEGER,                    -- 0 gone
    created_at       INTEGER NOT NULL,
    failures         INTEGER NOT NULL DEFAULT 0, -- failed attempts in a row
    failed_at        TEXT,                       -- when the last ten attempts failed, separated by spaces
    opened_until     INTEGER,                    -- the circuit: null closed, else no attempt before
    probe            INTEGER                     -- the one delivery that may try a half-open circuit
);
CREATE INDEX webhook_agent ON webhook (agent, pk);

CREATE TABLE webhook_delivery (
    pk               INTEGER PRIMARY KEY,
    id               BLOB    NOT NULL UNIQUE,
    webhook          INTEGER NOT NULL,
    event            INTEGER NOT NULL,           -- one of the bits of webhook.events
    message          INTEGER,                    -- message.new: which
    data             TEXT,                       -- the others: what to say
    status           INTEGER NOT NULL DEFAULT 0, -- 0 pending, 1 delivering, 2 delivered, 3 failed, 4 dead
    attempts         INTEGER NOT NULL DEFAULT 0,
    next_at          INTEGER,                    -- pending: not before; delivering: its worker died by then
    claimed_by       BLOB,                       -- 16 bytes of the node that delivers
    last_attempt_at  INTEGER,
    last_status_code INTEGER,
    last_error       TEXT,
    created_at       INTEGER NOT NULL,
    delivered_at     INTEGER,
    replayed_as      BLOB                        -- id of the delivery that took over from a dead one
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (next_at, webhook) WHERE status < 2;
CREATE INDEX webhook_delivery_list ON webhook_delivery (webhook, pk);
CREATE INDEX webhook_delivery_old ON webhook_delivery (created_at) WHERE status >= 2;
