-- Long work is claimed, so that no two nodes do it.
ALTER TABLE job ADD COLUMN claimed_by BYTEA;                        -- 16 bytes of the node that works on it
ALTER TABLE job ADD COLUMN claimed_until BIGINT NOT NULL DEFAULT 0;

-- Token buckets that must be exact on every node: the theoretical arrival time, in microseconds.
CREATE TABLE limiter (
    policy BIGINT NOT NULL,
    key    BYTEA  NOT NULL,                    -- 32 bytes
    tat_us BIGINT NOT NULL,
    PRIMARY KEY (policy, key)
) WITH (fillfactor = 70);
CREATE INDEX limiter_age ON limiter (tat_us);
