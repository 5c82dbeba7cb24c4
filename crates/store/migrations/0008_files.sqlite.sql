-- Attachments and avatars. The bytes are elsewhere, under names made of public ids.

CREATE TABLE attachment (
    pk           INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE,
    uploader     INTEGER NOT NULL,
    recipient    INTEGER,                        -- for whom: an agent, or
    conversation INTEGER,                        -- a group
    filename     TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    size         INTEGER NOT NULL,
    sha256       BLOB    NOT NULL,
    complete     INTEGER NOT NULL DEFAULT 0,     -- the bytes are there and are what was declared
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL                -- of the slot, while it is empty
);
CREATE INDEX attachment_slot ON attachment (expires_at) WHERE complete = 0;

-- Messages that refer to an attachment.
CREATE TABLE attachment_use (
    message    INTEGER NOT NULL PRIMARY KEY,
    attachment INTEGER NOT NULL
);
CREATE INDEX attachment_use_attachment ON attachment_use (attachment);

ALTER TABLE agent ADD COLUMN avatar TEXT;         -- its avatar_key
ALTER TABLE group_profile ADD COLUMN avatar TEXT; -- instead of avatar_url

-- Objects that nothing refers to: of what was replaced, purged or never finished.
CREATE TABLE discarded_object (
    name       TEXT    NOT NULL PRIMARY KEY,
    due        INTEGER NOT NULL,              -- when it may be deleted
    busy_until INTEGER NOT NULL DEFAULT 0     -- somebody deletes it
);
CREATE INDEX discarded_object_due ON discarded_object (due);
