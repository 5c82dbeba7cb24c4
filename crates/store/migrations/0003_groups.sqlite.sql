-- Groups: conversations of many. A group is a conversation of kind 1; its members are rows of `member`.
ALTER TABLE conversation ADD COLUMN members INTEGER NOT NULL DEFAULT 0;   -- group: active members
ALTER TABLE conversation ADD COLUMN deleted_at INTEGER;                   -- group: its end
ALTER TABLE conversation ADD COLUMN deleted_by INTEGER;
ALTER TABLE conversation ADD COLUMN updated_at INTEGER;                   -- group: last change of its profile
ALTER TABLE conversation ADD COLUMN group_tat_us INTEGER NOT NULL DEFAULT 0; -- policy `group_send`
ALTER TABLE conversation ADD COLUMN loop_tat_us INTEGER NOT NULL DEFAULT 0;  -- policy `loop`
ALTER TABLE conversation ADD COLUMN last_sender INTEGER;                  -- who said something last, and when
ALTER TABLE conversation ADD COLUMN said_at INTEGER;

CREATE TABLE group_profile (
    conversation INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL,
    description  TEXT,
    avatar_url   TEXT,
    created_by   INTEGER NOT NULL
);

ALTER TABLE member ADD COLUMN role INTEGER NOT NULL DEFAULT 0;       -- group: 0 member, 1 admin
ALTER TABLE member ADD COLUMN joined_seq INTEGER NOT NULL DEFAULT 1; -- nothing before it is visible
ALTER TABLE member ADD COLUMN joined_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN left_at INTEGER;
ALTER TABLE member ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;       -- group: messages it sent itself
ALTER TABLE member ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;    -- group: messages it got no envelope for

CREATE TABLE invite (
    pk           INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE,
    conversation INTEGER NOT NULL,
    invitee      INTEGER NOT NULL,
    inviter      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL
);
CREATE UNIQUE INDEX invite_pending ON invite (conversation, invitee);
CREATE INDEX invite_invitee ON invite (invitee);
CREATE INDEX invite_inviter ON invite (inviter);

-- Who is muted by whom is asked once for all members of a group.
CREATE INDEX mute_target ON mute (kind, target);

-- Messages that leave the queue by themselves. `envelope.status` 2: left by expiry.
ALTER TABLE message ADD COLUMN expires_at INTEGER;
ALTER TABLE envelope ADD COLUMN expires_at INTEGER;
CREATE INDEX envelope_expiry ON envelope (expires_at, recipient) WHERE status = 0 AND expires_at IS NOT NULL;
