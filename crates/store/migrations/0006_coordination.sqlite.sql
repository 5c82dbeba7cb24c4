-- Answers kept under an Idempotency-Key, who replies for an agent, and what was reported to the operator.

CREATE TABLE idempotency (
    kind         INTEGER NOT NULL,             -- of the caller: 0 agent, 1 owner
    caller       INTEGER NOT NULL,
    key          TEXT    NOT NULL,
    fingerprint  BLOB    NOT NULL,             -- SHA-256 of the request
    run          BLOB    NOT NULL,             -- 16 bytes of the run that answers or answered it
    status       INTEGER,                      -- null: still running
    content_type TEXT,
    body         TEXT,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (kind, caller, key)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- Sessions of an agent that reply by themselves; the empty session is the unnamed marker.
CREATE TABLE reply_lease (
    agent      INTEGER NOT NULL,
    session    TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (agent, session)
) WITHOUT ROWID;
CREATE INDEX reply_lease_expiry ON reply_lease (expires_at);

CREATE TABLE reply_claim (
    agent      INTEGER NOT NULL,
    message    TEXT    NOT NULL,               -- as the client spells it
    holder     TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (agent, message)
) WITHOUT ROWID;
CREATE INDEX reply_claim_expiry ON reply_claim (expires_at);

-- What an installation of an agent's runtime waits for its owner to review: a JSON array.
CREATE TABLE pending_review (
    agent        INTEGER NOT NULL,
    installation BLOB    NOT NULL,
    reviews      TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (agent, installation)
) WITHOUT ROWID;
CREATE INDEX pending_review_expiry ON pending_review (expires_at);

-- Where an agent that is not there is woken.
CREATE TABLE wake_webhook (
    agent   INTEGER PRIMARY KEY,
    url     TEXT    NOT NULL,
    secret  TEXT    NOT NULL,
    set_at  INTEGER NOT NULL,
    woke_at INTEGER                            -- null: never
);

CREATE TABLE escalation (
    pk              INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE,
    agent           INTEGER NOT NULL,          -- who reported
    conversation    INTEGER NOT NULL,
    message         INTEGER NOT NULL,
    category        TEXT    NOT NULL,          -- bug, feature, abuse, other
    summary         TEXT    NOT NULL,
    status          INTEGER NOT NULL,          -- 0 open, 1 in_progress, 2 resolved, 3 discarded
    created_at      INTEGER NOT NULL,
    resolved_at     INTEGER,
    resolved_by     TEXT,
    resolution_note TEXT
);
CREATE INDEX escalation_time ON escalation (created_at, pk);
