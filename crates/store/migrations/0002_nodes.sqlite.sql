-- Long work is claimed, so that no two runs of it meet.
ALTER TABLE job ADD COLUMN claimed_by BLOB;                         -- 16 bytes of the node that works on it
ALTER TABLE job ADD COLUMN claimed_until INTEGER NOT NULL DEFAULT 0;

-- Token buckets that must be exact on every node: the theoretical arrival time, in microseconds.
CREATE TABLE limiter (
    policy INTEGER NOT NULL,
    key    BLOB    NOT NULL,                   -- 32 bytes
    tat_us INTEGER NOT NULL,
    PRIMARY KEY (policy, key)
) WITHOUT ROWID;
CREATE INDEX limiter_age ON limiter (tat_us);
