-- Old messages are emptied: what is left of one is a stub, `content = ''`.

-- One row, made by the first run.
CREATE TABLE retention (
    one               SMALLINT NOT NULL PRIMARY KEY, -- 1
    through           BIGINT NOT NULL DEFAULT 0, -- messages up to this key were looked at
    claimed_by        BYTEA,                       -- 16 bytes of the node that works
    claimed_until     BIGINT NOT NULL DEFAULT 0,
    next_at           BIGINT NOT NULL,           -- the next run, not before
    messages          BIGINT NOT NULL DEFAULT 0, -- emptied by the run that is under way
    attachments       BIGINT NOT NULL DEFAULT 0,
    last_at           BIGINT,                    -- the last run that came to its end
    last_messages     BIGINT NOT NULL DEFAULT 0,
    last_attachments  BIGINT NOT NULL DEFAULT 0,
    stubs             BIGINT NOT NULL DEFAULT 0  -- emptied ever
);

-- Messages that were old enough when they were looked at, but still waited for somebody.
CREATE TABLE retention_later (
    message      BIGINT NOT NULL PRIMARY KEY
);

CREATE INDEX hidden_message ON hidden (message);
CREATE INDEX attachment_uploader ON attachment (uploader, pk);
