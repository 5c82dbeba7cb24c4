-- Old messages are emptied: what is left of one is a stub, `content = ''`.

-- One row, made by the first run.
CREATE TABLE retention (
    one               INTEGER PRIMARY KEY,        -- 1
    through           INTEGER NOT NULL DEFAULT 0, -- messages up to this key were looked at
    claimed_by        BLOB,                       -- 16 bytes of the node that works
    claimed_until     INTEGER NOT NULL DEFAULT 0,
    next_at           INTEGER NOT NULL,           -- the next run, not before
    messages          INTEGER NOT NULL DEFAULT 0, -- emptied by the run that is under way
    attachments       INTEGER NOT NULL DEFAULT 0,
    last_at           INTEGER,                    -- the last run that came to its end
    last_messages     INTEGER NOT NULL DEFAULT 0,
    last_attachments  INTEGER NOT NULL DEFAULT 0,
    stubs             INTEGER NOT NULL DEFAULT 0  -- emptied ever
);

-- Messages that were old enough when they were looked at, but still waited for somebody.
CREATE TABLE retention_later (
    message      INTEGER PRIMARY KEY
);

CREATE INDEX hidden_message ON hidden (message);
CREATE INDEX attachment_uploader ON attachment (uploader, pk);
