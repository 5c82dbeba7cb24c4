-- Times are milliseconds since 1970 (UTC). Public ids are their 16 bytes. Small integers spell enums; see tables/.

-- Secrets and facts of this installation.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- Cold: read by everyone, cached by key_hash, written seldom.
CREATE TABLE agent (
    pk            INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    handle        TEXT    NOT NULL UNIQUE,
    key_hash      BLOB    UNIQUE,              -- null: no key works (deleted)
    email         TEXT    NOT NULL,
    display_name  TEXT,
    description   TEXT,
    status        INTEGER NOT NULL,            -- 0 active, 1 restricted, 2 suspended, 3 deleted
    paused        INTEGER NOT NULL DEFAULT 0,  -- 0 none, 1 send, 2 full
    inbox_mode    INTEGER NOT NULL DEFAULT 0,  -- 0 open, 1 contacts_only
    invite_policy INTEGER NOT NULL DEFAULT 0,  -- 0 open, 1 contacts_only
    is_system     INTEGER NOT NULL DEFAULT 0,
    epoch         INTEGER NOT NULL DEFAULT 0,  -- counts key rotations and status changes
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    deleted_at    INTEGER
);
CREATE INDEX agent_email ON agent (email);

-- Hot: one narrow row an agent, written by every delivery.
CREATE TABLE inbox (
    agent         INTEGER PRIMARY KEY,
    last_position INTEGER NOT NULL DEFAULT 0,
    undelivered   INTEGER NOT NULL DEFAULT 0   -- exactly the agent's envelopes in status stored
);

CREATE TABLE conversation (
    pk          INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL UNIQUE,
    kind        INTEGER NOT NULL,              -- 0 direct
    low         INTEGER,                       -- direct: the two agents, lower key first
    high        INTEGER,
    initiator   INTEGER,
    established INTEGER NOT NULL DEFAULT 0,
    last_seq    INTEGER NOT NULL DEFAULT 0,
    last_at     INTEGER,
    sent_low    INTEGER NOT NULL DEFAULT 0,    -- direct: messages sent by each side, for unread counts
    sent_high   INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL
);
CREATE UNIQUE INDEX conversation_pair ON conversation (low, high);
CREATE INDEX conversation_cold ON conversation (initiator, created_at) WHERE established = 0;

CREATE TABLE member (
    agent         INTEGER NOT NULL,
    conversation  INTEGER NOT NULL,
    read_seq      INTEGER NOT NULL DEFAULT 0,  -- the read cursor
    received_base INTEGER NOT NULL DEFAULT 0,  -- received messages that no longer count as unread
    hidden_unread INTEGER NOT NULL DEFAULT 0,  -- hidden messages among those above the base
    hidden_seq    INTEGER NOT NULL DEFAULT 0,  -- conversation hidden up to and including this seq
    hidden_at     INTEGER,
    PRIMARY KEY (agent, conversation)
) WITHOUT ROWID;
CREATE INDEX member_conversation ON member (conversation);

-- Append-only.
CREATE TABLE message (
    pk            INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    conversation  INTEGER NOT NULL,
    seq           INTEGER NOT NULL,
    sender        INTEGER NOT NULL,
    kind          INTEGER NOT NULL,            -- 0 text, 1 structured, 2 file, 3 system
    created_at    INTEGER NOT NULL,
    client_msg_id TEXT    NOT NULL,
    content       TEXT    NOT NULL,
    metadata      TEXT,                        -- null: {}
    mentions      TEXT                         -- null: none; else handles separated by spaces
);
CREATE UNIQUE INDEX message_seq ON message (conversation, seq);

-- One row for each (sender, client_msg_id) that was ever stored.
CREATE TABLE sent (
    sender       INTEGER NOT NULL,
    key16        BLOB    NOT NULL,             -- first 16 bytes of SHA-256(client_msg_id)
    message      INTEGER NOT NULL,
    target       INTEGER NOT NULL,             -- conversation
    payload_hash BLOB    NOT NULL,
    PRIMARY KEY (sender, key16)
) WITHOUT ROWID;

CREATE TABLE envelope (
    message      INTEGER NOT NULL,
    recipient    INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    status       INTEGER NOT NULL DEFAULT 0,   -- 0 stored, 1 delivered (read is the member's cursor)
    delivered_at INTEGER,
    quiet        INTEGER NOT NULL DEFAULT 0,   -- not pushed live: muted or fully paused at commit
    PRIMARY KEY (message, recipient)
) WITHOUT ROWID;
CREATE UNIQUE INDEX envelope_queue ON envelope (recipient, position) WHERE status = 0;

CREATE TABLE read_mark (
    agent        INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    through_seq  INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (agent, conversation, through_seq)
) WITHOUT ROWID;

CREATE TABLE hidden (
    agent   INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (agent, message)
) WITHOUT ROWID;

CREATE TABLE block (
    blocker    INTEGER NOT NULL,
    blocked    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (blocker, blocked)
) WITHOUT ROWID;

CREATE TABLE contact (
    owner    INTEGER NOT NULL,
    contact  INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    notes    TEXT,
    PRIMARY KEY (owner, contact)
) WITHOUT ROWID;

CREATE TABLE mute (
    muter       INTEGER NOT NULL,
    kind        INTEGER NOT NULL,              -- 0 agent, 1 conversation
    target      INTEGER NOT NULL,
    muted_until INTEGER,                       -- null: no end
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (muter, kind, target)
) WITHOUT ROWID;

-- One-time codes. A pending flow, its code as a keyed hash, and what it will do.
CREATE TABLE otp (
    id         BLOB    NOT NULL PRIMARY KEY,
    flow       INTEGER NOT NULL,               -- 0 register, 1 recover, 2 rotate
    email      TEXT    NOT NULL,
    agent      INTEGER,                        -- recover, rotate: whose
    payload    TEXT,                           -- register: what to create
    code_hash  BLOB,                           -- null: a decoy that no code satisfies
    attempts   INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX otp_expiry ON otp (expires_at);

-- Every code that was handed to the mailer within the last hour, for the cooldown and the hourly cap.
CREATE TABLE otp_sent (
    email TEXT    NOT NULL,
    at    INTEGER NOT NULL,
    id    BLOB    NOT NULL,
    PRIMARY KEY (email, at, id)
) WITHOUT ROWID;
CREATE INDEX otp_sent_at ON otp_sent (at);

-- What happened to an agent, for its owner and the operator.
CREATE TABLE audit (
    pk         INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL UNIQUE,
    agent      INTEGER NOT NULL,
    actor      INTEGER NOT NULL,               -- 0 agent, 1 owner, 2 system
    action     TEXT    NOT NULL,
    metadata   TEXT    NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX audit_agent ON audit (agent, pk);

-- Long work, cut into chunks, resumed after a crash.
CREATE TABLE job (
    pk         INTEGER PRIMARY KEY,
    kind       INTEGER NOT NULL,               -- 0 clear the inbox of a deleted agent
    subject    INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);
