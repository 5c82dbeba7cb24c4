-- Who is there: what an agent says of itself, what others were told of it, and when to look at it again.
CREATE TABLE presence (
    agent         BIGINT PRIMARY KEY,
    said          SMALLINT,                    -- 0 offline, 1 online, 2 busy; null: nothing that counts
    said_message  TEXT,
    said_until    BIGINT   NOT NULL DEFAULT 0, -- counts until then; while the agent is connected, for longer
    hidden        SMALLINT NOT NULL DEFAULT 0, -- its last connection was closed since it said so
    last_seen     BIGINT   NOT NULL,
    shown         SMALLINT NOT NULL DEFAULT 0, -- what those were told who have it in their contacts, and when
    shown_message TEXT,
    shown_at      BIGINT   NOT NULL DEFAULT 0,
    due           BIGINT                       -- something has to be told, or fades
) WITH (fillfactor = 70);
CREATE INDEX presence_due ON presence (due) WHERE due IS NOT NULL;

-- Servers that share the store. One that does not renew its row is gone, and its connections with it.
CREATE TABLE node (
    life       BYTEA    NOT NULL PRIMARY KEY,  -- 16 bytes
    renewed_at BIGINT   NOT NULL,
    dead       SMALLINT NOT NULL DEFAULT 0     -- its connections are being forgotten; it may not renew
) WITH (fillfactor = 70);

-- Agents with a socket or a stream, and the server that has it.
CREATE TABLE connection (
    agent BIGINT NOT NULL,
    life  BYTEA  NOT NULL,
    PRIMARY KEY (agent, life)
);
CREATE INDEX connection_life ON connection (life, agent);

CREATE INDEX contact_contact ON contact (contact, owner);
