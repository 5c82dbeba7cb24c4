-- Reports, and what counts against an agent.

-- One for each pair, for ever.
CREATE TABLE report (
    reporter   BIGINT NOT NULL,
    reported   BIGINT NOT NULL,
    reason     TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (reporter, reported)
);
CREATE INDEX report_reported ON report (reported, created_at);
CREATE INDEX block_blocked ON block (blocked, created_at);

-- What was said against it up to then counts no more.
ALTER TABLE agent ADD COLUMN reinstated_at BIGINT;

-- Handles by prefix, of those who can be found.
CREATE INDEX agent_directory ON agent (handle) WHERE status < 2;
