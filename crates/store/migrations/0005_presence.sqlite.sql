-- Who is there: what an agent says of itself, what others were told of it, and when to look at it again.
CREATE TABLE presence (
    agent         INTEGER PRIMARY KEY,
    said          INTEGER,                     -- 0 offline, 1 online, 2 busy; null: nothing that counts
    said_message  TEXT,
    said_until    INTEGER NOT NULL DEFAULT 0,  -- counts until then; while the agent is connected, for longer
    hidden        INTEGER NOT NULL DEFAULT 0,  -- its last connection was closed since it said so
    last_seen     INTEGER NOT NULL,
    shown         INTEGER NOT NULL DEFAULT 0,  -- what those were told who have it in their contacts, and when
    shown_message TEXT,
    shown_at      INTEGER NOT NULL DEFAULT 0,
    due           INTEGER                      -- something has to be told, or fades
);
CREATE INDEX presence_due ON presence (due) WHERE due IS NOT NULL;

-- Servers that share the store. One that does not renew its row is gone, and its connections with it.
CREATE TABLE node (
    life       BLOB    NOT NULL PRIMARY KEY,   -- 16 bytes
    renewed_at INTEGER NOT NULL,
    dead       INTEGER NOT NULL DEFAULT 0      -- its connections are being forgotten; it may not renew
) WITHOUT ROWID;

-- Agents with a socket or a stream, and the server that has it.
CREATE TABLE connection (
    agent INTEGER NOT NULL,
    life  BLOB    NOT NULL,
    PRIMARY KEY (agent, life)
) WITHOUT ROWID;
CREATE INDEX connection_life ON connection (life, agent);

CREATE INDEX contact_contact ON contact (contact, owner);
