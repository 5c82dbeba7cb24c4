//! Everything a group send must know, and the fan-out.

use super::conversations::GROUP;
use super::direct_send::earlier;
use super::{EarlierSend, Loudness, NewMessage, Run, SenderState, WANTS_MESSAGES};
use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::row::{Row, Value};
use crate::{Engine, Result, StoreError, Tx};

/// The state of the sender and of the group at the moment of a send.
#[derive(Debug, Clone)]
pub struct GroupSendState {
    pub sender: SenderState,
    /// The earlier message of the same (sender, client_msg_id).
    pub earlier: Option<EarlierSend>,
    /// None when there is no such group, or the sender was never in it.
    pub group: Option<GroupState>,
}

/// A group that the sender is or was in.
#[derive(Debug, Clone)]
pub struct GroupState {
    pub key: ConversationKey,
    pub name: String,
    /// Active members.
    pub members: i64,
    /// The sender is one of them.
    pub is_member: bool,
    /// When and by whom it was deleted.
    pub deleted: Option<(i64, AgentKey)>,
    pub last_at: i64,
    /// The state of policy `group_send`, in microseconds.
    pub send_tat_us: i64,
    pub run: Run,
}

/// A message that is to be stored for everybody in a group.
#[derive(Debug, Clone, Copy)]
pub struct GroupMessage<'a> {
    pub id: &'a [u8; 16],
    pub conversation: ConversationKey,
    pub sender: AgentKey,
    pub kind: i64,
    pub created_at: i64,
    pub client_msg_id: &'a str,
    /// None: `{}`.
    pub metadata: Option<&'a str>,
    pub content: &'a str,
    /// None: none; else handles separated by spaces.
    pub mentions: Option<&'a str>,
    /// Where it stands in a trace: traceparent, and after a line break tracestate.
    pub trace: Option<&'a str>,
    pub expires_at: Option<i64>,
    /// Mutes and notify levels count for nothing.
    pub insists: bool,
    /// Members with so many undelivered messages get no envelope.
    pub backlog_hard: i64,
    /// None: written by the platform, counts for no policy.
    pub said: Option<Said<'a>>,
}

/// What a message that an agent wrote leaves behind besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// Stands for `client_msg_id`.
    pub key16: &'a [u8; 16],
    pub payload_hash: &'a [u8; 16],
    /// The states of policies `group_send` and `loop` after it.
    pub send_tat_us: i64,
    pub loop_tat_us: i64,
}

/// Where a group's message landed.
#[derive(Debug, Clone)]
pub struct StoredGroup {
    pub key: MessageKey,
    pub seq: i64,
    /// Ascending by recipient.
    pub envelopes: Vec<GroupEnvelope>,
    /// Handles of members whose inbox is full.
    pub skipped: Vec<String>,
}

/// One member's envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupEnvelope {
    pub recipient: AgentKey,
    pub position: i64,
    pub epoch: i64,
    pub quiet: bool,
    /// What else waits for its messages: `inbox.hooks`.
    pub hooks: i64,
}

struct Recipient {
    key: AgentKey,
    handle: String,
    epoch: i64,
    undelivered: i64,
    last_position: i64,
    loudness: Loudness,
    hooks: i64,
}

impl Tx<'_> {
    /// Reads the state for a send of `sender` to the group of that id; `key16` stands for its `client_msg_id`. None when
    /// the sender's row is gone.
    pub async fn group_send_state(
        &mut self,
        sender: AgentKey,
        key16: &[u8; 16],
        group: &[u8; 16],
    ) -> Result<Option<GroupSendState>> {
        self.query_opt(
            "SELECT s.handle, s.display_name, s.status, s.paused, s.is_system, x.message, x.target, x.payload_hash, \
             b.conversation, g.name, c.members, b.left_at, c.deleted_at, c.deleted_by, c.last_at, c.group_tat_us, \
             c.last_sender, c.said_at, c.loop_tat_us \
             FROM agent s LEFT JOIN sent x ON x.sender = s.pk AND x.key16 = $1 \
             LEFT JOIN conversation c ON c.id = $2 AND c.kind = 1 \
             LEFT JOIN member b ON b.agent = s.pk AND b.conversation = c.pk \
             LEFT JOIN group_profile g ON g.conversation = c.pk WHERE s.pk = $3",
            &[key16.into(), group.into(), sender.into()],
            state,
        )
        .await
    }

    /// The key of a group by its public id.
    pub async fn group_key(&mut self, id: &[u8; 16]) -> Result<Option<ConversationKey>> {
        let found = self
            .query_int("SELECT pk FROM conversation WHERE id = $1 AND kind = $2", &[id.into(), GROUP.into()])
            .await?;
        Ok(found.map(ConversationKey))
    }

    /// Stores a message and puts it into the inboxes of all members but the sender. The conversation and the members'
    /// inboxes are to be locked.
    pub async fn store_group_message(&mut self, new: &GroupMessage<'_>) -> Result<StoredGroup> {
        let recipients = self.group_recipients(new).await?;
        let seq = self.take_group_seq(new).await?;
        let message = self
            .insert_message(NewMessage {
                id: new.id,
                conversation: new.conversation,
                seq,
                sender: new.sender,
                kind: new.kind,
                created_at: new.created_at,
                client_msg_id: new.client_msg_id,
                content: new.content,
                metadata: new.metadata,
                mentions: new.mentions,
                trace: new.trace,
                expires_at: new.expires_at,
            })
            .await?;
        if let Some(said) = &new.said {
            self.insert_sent(new.sender, said.key16, message, new.conversation, said.payload_hash).await?;
        }
        self.execute_later(
            "UPDATE member SET sent = sent + 1 WHERE agent = $1 AND conversation = $2",
            &[new.sender.into(), new.conversation.into()],
        )
        .await?;
        let (mut full, mut open) = (Vec::new(), Vec::with_capacity(recipients.len()));
        for recipient in recipients {
            let backlogged = self.is_backlogged(&recipient, new).await?;
            if backlogged { &mut full } else { &mut open }.push(recipient);
        }
        for recipient in &full {
            self.execute_later(
                "UPDATE member SET skipped = skipped + 1 WHERE agent = $1 AND conversation = $2",
                &[recipient.key.into(), new.conversation.into()],
            )
            .await?;
        }
        self.fan_out(message, &open, new.expires_at).await?;
        let hooked: Vec<i64> = open.iter().filter(|one| one.is_told()).map(|one| one.key.0).collect();
        if !hooked.is_empty() {
            self.enqueue_message(message, new.id, &hooked, new.created_at).await?;
        }
        Ok(StoredGroup {
            key: message,
            seq,
            envelopes: open.iter().map(Recipient::envelope).collect(),
            skipped: full.into_iter().map(|recipient| recipient.handle).collect(),
        })
    }

    /// What does not wait any more but was not taken off the counter yet does not count.
    async fn is_backlogged(&mut self, recipient: &Recipient, new: &GroupMessage<'_>) -> Result<bool> {
        if recipient.undelivered < new.backlog_hard {
            return Ok(false);
        }
        let gone = self.gone(recipient.key, new.created_at).await?;
        Ok(recipient.undelivered - gone >= new.backlog_hard)
    }

    /// Everybody in the group but the sender, ascending.
    async fn group_recipients(&mut self, new: &GroupMessage<'_>) -> Result<Vec<Recipient>> {
        self.query_all(
            "SELECT b.agent, a.handle, a.epoch, i.undelivered, i.last_position, \
             CASE WHEN EXISTS (SELECT 1 FROM mute t WHERE t.muter = b.agent AND t.kind = 0 AND t.target = $1 \
              AND (t.muted_until IS NULL OR t.muted_until > $2)) \
             OR EXISTS (SELECT 1 FROM mute t WHERE t.muter = b.agent AND t.kind = 1 AND t.target = $3 \
              AND (t.muted_until IS NULL OR t.muted_until > $2)) THEN 1 ELSE 0 END, \
             a.paused, b.notify, i.hooks FROM member b JOIN agent a ON a.pk = b.agent JOIN inbox i ON i.agent = b.agent \
             WHERE b.conversation = $3 AND b.left_at IS NULL AND b.agent <> $1 AND a.status <> 3 ORDER BY b.agent",
            &[new.sender.into(), new.created_at.into(), new.conversation.into()],
            |row| {
                let handle = row.text(1)?;
                Ok(Recipient {
                    key: AgentKey(row.int(0)?),
                    epoch: row.int(2)?,
                    undelivered: row.int(3)?,
                    last_position: row.int(4)?,
                    loudness: loudness(new, &handle, row.bool(5)?, row.int(6)?, row.int(7)?),
                    hooks: row.int(8)?,
                    handle,
                })
            },
        )
        .await
    }

    async fn take_group_seq(&mut self, new: &GroupMessage<'_>) -> Result<i64> {
        let seq = match &new.said {
            Some(said) => {
                self.query_int(
                    "UPDATE conversation SET last_seq = last_seq + 1, last_at = $1, last_sender = $2, said_at = $1, \
                     group_tat_us = $3, loop_tat_us = $4 WHERE pk = $5 RETURNING last_seq",
                    &[
                        new.created_at.into(),
                        new.sender.into(),
                        said.send_tat_us.into(),
                        said.loop_tat_us.into(),
                        new.conversation.into(),
                    ],
                )
                .await?
            }
            None => {
                self.query_int(
                    "UPDATE conversation SET last_seq = last_seq + 1, last_at = $1 WHERE pk = $2 RETURNING last_seq",
                    &[new.created_at.into(), new.conversation.into()],
                )
                .await?
            }
        };
        seq.ok_or_else(|| StoreError::Internal(format!("group {} is gone", new.conversation.0)))
    }

    async fn fan_out(&mut self, message: MessageKey, open: &[Recipient], expires_at: Option<i64>) -> Result<()> {
        if open.is_empty() {
            return Ok(());
        }
        match self.engine() {
            Engine::Sqlite => self.fan_out_in_steps(message, open, expires_at).await,
            Engine::Postgres => self.fan_out_at_once(message, open, expires_at).await,
        }
    }

    async fn fan_out_in_steps(
        &mut self,
        message: MessageKey,
        open: &[Recipient],
        expires_at: Option<i64>,
    ) -> Result<()> {
        for recipient in open {
            self.execute(
                "UPDATE inbox SET last_position = $1, undelivered = undelivered + 1 WHERE agent = $2",
                &[recipient.position().into(), recipient.key.into()],
            )
            .await?;
            self.execute(
                "INSERT INTO envelope (message, recipient, position, quiet, expires_at) VALUES ($1, $2, $3, $4, $5)",
                &[
                    message.into(),
                    recipient.key.into(),
                    recipient.position().into(),
                    recipient.loudness.into(),
                    expires_at.into(),
                ],
            )
            .await?;
        }
        Ok(())
    }

    async fn fan_out_at_once(
        &mut self,
        message: MessageKey,
        open: &[Recipient],
        expires_at: Option<i64>,
    ) -> Result<()> {
        let agents: Vec<i64> = open.iter().map(|recipient| recipient.key.0).collect();
        let positions: Vec<i64> = open.iter().map(Recipient::position).collect();
        let quiet: Vec<i64> = open.iter().map(|recipient| recipient.loudness.number()).collect();
        self.execute_later(
            "UPDATE inbox SET last_position = last_position + 1, undelivered = undelivered + 1 WHERE agent = ANY($1)",
            &[Value::Ints(&agents)],
        )
        .await?;
        self.execute_later(
            "INSERT INTO envelope (message, recipient, position, quiet, expires_at) \
             SELECT $1, agent, position, quiet, $2 \
             FROM unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS fresh (agent, position, quiet)",
            &[message.into(), expires_at.into(), Value::Ints(&agents), Value::Ints(&positions), Value::Ints(&quiet)],
        )
        .await
    }
}

impl Recipient {
    fn position(&self) -> i64 {
        self.last_position + 1
    }

    fn envelope(&self) -> GroupEnvelope {
        GroupEnvelope {
            recipient: self.key,
            position: self.position(),
            epoch: self.epoch,
            quiet: self.loudness.is_quiet(),
            hooks: self.hooks,
        }
    }

    /// A webhook of it wants this message.
    fn is_told(&self) -> bool {
        self.hooks & WANTS_MESSAGES != 0 && self.loudness == Loudness::Loud
    }
}

/// What wakes a member: mutes win over its notify level, its owner's pause comes last. `agent.paused` 2 is a full pause;
/// `member.notify` 1 wants mentions alone, 2 nothing.
fn loudness(new: &GroupMessage<'_>, handle: &str, muted: bool, paused: i64, notify: i64) -> Loudness {
    let mentioned = || new.mentions.is_some_and(|list| list.split(' ').any(|one| one == handle));
    let below = match notify {
        0 => false,
        1 => !mentioned(),
        _ => true,
    };
    match () {
        () if !new.insists && (muted || below) => Loudness::Muted,
        () if paused == 2 => Loudness::Held,
        () => Loudness::Loud,
    }
}

fn state(row: &Row<'_>) -> Result<GroupSendState> {
    Ok(GroupSendState {
        sender: SenderState {
            handle: row.text(0)?,
            display_name: row.opt_text(1)?,
            status: row.int(2)?,
            paused: row.int(3)?,
            is_system: row.bool(4)?,
        },
        earlier: row.opt_int(5)?.map(|message| earlier(row, message)).transpose()?,
        group: row.opt_int(8)?.map(|key| group(row, key)).transpose()?,
    })
}

fn group(row: &Row<'_>, key: i64) -> Result<GroupState> {
    Ok(GroupState {
        key: ConversationKey(key),
        name: row.text(9)?,
        members: row.int(10)?,
        is_member: row.is_null(11)?,
        deleted: row.opt_int(12)?.zip(row.opt_int(13)?.map(AgentKey)),
        last_at: row.opt_int(14)?.unwrap_or(0),
        send_tat_us: row.int(15)?,
        run: Run { last: row.opt_int(16)?.map(AgentKey).zip(row.opt_int(17)?), tat_us: row.int(18)? },
    })
}
