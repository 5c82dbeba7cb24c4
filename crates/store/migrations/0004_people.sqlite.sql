-- Reports, and what counts against an agent.

-- One for each pair, for ever.
CREATE TABLE report (
    reporter   INTEGER NOT NULL,
    reported   INTEGER NOT NULL,
    reason     TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (reporter, reported)
) WITHOUT ROWID;
CREATE INDEX report_reported ON report (reported, created_at);
CREATE INDEX block_blocked ON block (blocked, created_at);

-- What was said against it up to then counts no more.
ALTER TABLE agent ADD COLUMN reinstated_at INTEGER;

-- Handles by prefix, of those who can be found.
CREATE INDEX agent_directory ON agent (handle) WHERE status < 2;
