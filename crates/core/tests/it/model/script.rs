//! Steps as they are generated, and actions: what a step comes to in the state it meets.
//!
//! A step picks by small numbers (`who` among the living, `message` counted back from the newest), so that it still
//! means something when steps before it are left out: that is what makes scripts shrink. Which agent, message and
//! conversation it is, the model says (`expected/resolve.rs`); model and system are then given the same action.

use std::fmt;

use agentchat_protocol::id::{ConversationId, InviteId, MessageId};
use agentchat_protocol::timestamp::Timestamp;

/// An agent, by the number of its name.
pub(super) type Who = usize;

/// All there can ever be; the first is run by the platform. Hyphens sort differently from place to place.
pub(super) const NAMES: [&str; 8] = ["hal", "abe", "a-bot", "bob", "carol", "dave", "erin", "frank"];

/// How many of them are there from the beginning.
pub(super) const AT_FIRST: usize = 5;

/// A generated step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) verb: Verb,
    /// Picks who does it.
    pub(super) who: u8,
    /// Picks what, or with whom.
    pub(super) what: u8,
    /// Picks among the verb's own choices.
    pub(super) how: u8,
}

/// What a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Wait,
    Register,
    Profile,
    DeleteAccount,
    Pause,
    Suspend,
    Reinstate,
    Send,
    SendInto,
    Answer,
    SendToGroup,
    Resend,
    Read,
    ReadThrough,
    HideMessage,
    HideConversation,
    Ack,
    AckThrough,
    Sync,
    History,
    List,
    DirectContext,
    AddContact,
    NoteContact,
    RemoveContact,
    CheckContact,
    Block,
    Unblock,
    Report,
    MuteAgent,
    MuteConversation,
    UnmuteAgent,
    UnmuteConversation,
    Notify,
    CreateGroup,
    UpdateGroup,
    DeleteGroup,
    AddMember,
    Accept,
    Reject,
    Kick,
    Promote,
    Demote,
    Leave,
    Expire,
    Retain,
    Work,
    Crash,
}

/// Whom or what a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// An agent, by its name.
    Name(String),
    Conversation(ConversationId),
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) client_msg_id: String,
    pub(super) kind: &'static str,
    /// JSON.
    pub(super) content: String,
    /// JSON.
    pub(super) metadata: Option<String>,
    /// Milliseconds since 1970.
    pub(super) expires_at: Option<i64>,
}

/// How somebody names a place in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    /// The delivery id that `of` has for a message.
    Delivery { of: Who, message: MessageId },
    /// A delivery id that nobody was ever given.
    Forged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Newest,
    Before(u64),
    After(u64),
    Around(MessageId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Muted {
    Name(&'static str),
    Conversation(ConversationId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    No,
    Send,
    Full,
}

/// What is changed of a group: `Some(None)` clears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupChange {
    pub(super) name: Option<String>,
    pub(super) description: Option<Option<String>>,
    pub(super) avatar_url: Option<Option<String>>,
}

/// What is done in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Wait {
        millis: i64,
    },
    Register {
        name: Who,
    },
    Profile {
        who: Who,
        display_name: Option<Option<String>>,
        contacts_only: Option<bool>,
        invites_by_contacts: Option<bool>,
    },
    DeleteAccount {
        who: Who,
    },
    Pause {
        who: Who,
        mode: Pause,
    },
    Suspend {
        who: Who,
    },
    Reinstate {
        who: Who,
    },
    Send {
        who: Who,
        target: Target,
        draft: Draft,
    },
    Read {
        who: Who,
        message: MessageId,
    },
    ReadThrough {
        who: Who,
        conversation: ConversationId,
        seq: u64,
    },
    HideMessage {
        who: Who,
        message: MessageId,
    },
    HideConversation {
        who: Who,
        conversation: ConversationId,
    },
    Ack {
        who: Who,
        messages: Vec<MessageId>,
    },
    AckThrough {
        who: Who,
        cursor: Cursor,
    },
    Sync {
        who: Who,
        after: Option<Cursor>,
        limit: usize,
    },
    History {
        who: Who,
        conversation: ConversationId,
        anchor: Anchor,
        limit: usize,
    },
    List {
        who: Who,
        limit: u64,
        offset: u64,
    },
    DirectContext {
        who: Who,
        name: &'static str,
    },
    AddContact {
        who: Who,
        name: &'static str,
    },
    NoteContact {
        who: Who,
        name: &'static str,
        notes: Option<String>,
    },
    RemoveContact {
        who: Who,
        name: &'static str,
    },
    CheckContact {
        who: Who,
        name: &'static str,
    },
    Block {
        who: Who,
        name: &'static str,
    },
    Unblock {
        who: Who,
        name: &'static str,
    },
    Report {
        who: Who,
        name: &'static str,
    },
    Mute {
        who: Who,
        what: Muted,
        until: Option<i64>,
    },
    Unmute {
        who: Who,
        what: Muted,
    },
    Notify {
        who: Who,
        conversation: ConversationId,
        level: &'static str,
    },
    CreateGroup {
        who: Who,
        name: String,
        members: Vec<&'static str>,
    },
    UpdateGroup {
        who: Who,
        group: ConversationId,
        change: GroupChange,
    },
    DeleteGroup {
        who: Who,
        group: ConversationId,
    },
    AddMember {
        who: Who,
        group: ConversationId,
        name: &'static str,
    },
    Accept {
        who: Who,
        invite: InviteId,
    },
    Reject {
        who: Who,
        invite: InviteId,
    },
    Kick {
        who: Who,
        group: ConversationId,
        name: &'static str,
    },
    Promote {
        who: Who,
        group: ConversationId,
        name: &'static str,
    },
    Demote {
        who: Who,
        group: ConversationId,
        name: &'static str,
    },
    Leave {
        who: Who,
        group: ConversationId,
    },
    /// The job that writes down what expired.
    Expire,
    /// Messages older than so many milliseconds are emptied.
    Retain {
        age: i64,
        /// The first page is done twice.
        cut_short: bool,
    },
    /// Some chunks of the jobs that end accounts and groups leave behind.
    Work {
        chunks: usize,
        rows: u64,
    },
    /// The store dies and is opened again.
    Crash,
}

impl Action {
    /// Whoever does it, unless it is the service itself.
    pub(super) fn caller(&self) -> Option<Who> {
        match self {
            Self::Wait { .. }
            | Self::Register { .. }
            | Self::Pause { .. }
            | Self::Suspend { .. }
            | Self::Reinstate { .. }
            | Self::Expire
            | Self::Retain { .. }
            | Self::Work { .. }
            | Self::Crash => None,
            Self::Profile { who, .. }
            | Self::DeleteAccount { who }
            | Self::Send { who, .. }
            | Self::Read { who, .. }
            | Self::ReadThrough { who, .. }
            | Self::HideMessage { who, .. }
            | Self::HideConversation { who, .. }
            | Self::Ack { who, .. }
            | Self::AckThrough { who, .. }
            | Self::Sync { who, .. }
            | Self::History { who, .. }
            | Self::List { who, .. }
            | Self::DirectContext { who, .. }
            | Self::AddContact { who, .. }
            | Self::NoteContact { who, .. }
            | Self::RemoveContact { who, .. }
            | Self::CheckContact { who, .. }
            | Self::Block { who, .. }
            | Self::Unblock { who, .. }
            | Self::Report { who, .. }
            | Self::Mute { who, .. }
            | Self::Unmute { who, .. }
            | Self::Notify { who, .. }
            | Self::CreateGroup { who, .. }
            | Self::UpdateGroup { who, .. }
            | Self::DeleteGroup { who, .. }
            | Self::AddMember { who, .. }
            | Self::Accept { who, .. }
            | Self::Reject { who, .. }
            | Self::Kick { who, .. }
            | Self::Promote { who, .. }
            | Self::Demote { who, .. }
            | Self::Leave { who, .. } => Some(*who),
        }
    }
}

/// A line of the script that a failure is reported with. Ids are cut to the step that made them (`Turn::id`).
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(who) = self.caller() {
            write!(f, "{} ", NAMES[who])?;
        }
        match self {
            Self::Wait { millis } => write!(f, "{millis} ms pass"),
            Self::Register { name } => write!(f, "{} registers", NAMES[*name]),
            Self::Profile { display_name, contacts_only, invites_by_contacts, .. } => {
                write!(f, "changes its profile:")?;
                if let Some(name) = display_name {
                    write!(f, " display_name {name:?}")?;
                }
                if let Some(only) = contacts_only {
                    write!(f, " inbox_mode {}", open(*only))?;
                }
                if let Some(only) = invites_by_contacts {
                    write!(f, " group_invite_policy {}", open(*only))?;
                }
                Ok(())
            }
            Self::DeleteAccount { .. } => write!(f, "deletes its account"),
            Self::Pause { who, mode } => write!(f, "{}'s owner sets the pause to {mode:?}", NAMES[*who]),
            Self::Suspend { who } => write!(f, "the operator suspends {}", NAMES[*who]),
            Self::Reinstate { who } => write!(f, "the operator reinstates {}", NAMES[*who]),
            Self::Send { target, draft, .. } => write!(f, "sends {draft} to {target}"),
            Self::Read { message, .. } => write!(f, "reads {}", of_message(message)),
            Self::ReadThrough { conversation, seq, .. } => {
                write!(f, "reads {} through seq {seq}", of_conversation(conversation))
            }
            Self::HideMessage { message, .. } => write!(f, "hides {}", of_message(message)),
            Self::HideConversation { conversation, .. } => write!(f, "hides {}", of_conversation(conversation)),
            Self::Ack { messages, .. } => {
                write!(f, "acks {}", messages.iter().map(of_message).collect::<Vec<_>>().join(", "))
            }
            Self::AckThrough { cursor, .. } => write!(f, "acks everything up to {cursor}"),
            Self::Sync { after: None, limit, .. } => write!(f, "syncs {limit} rows"),
            Self::Sync { after: Some(after), limit, .. } => write!(f, "syncs {limit} rows after {after}"),
            Self::History { conversation, anchor, limit, .. } => {
                write!(f, "looks at {limit} rows of {}, {anchor:?}", of_conversation(conversation))
            }
            Self::List { limit, offset, .. } => write!(f, "lists {limit} conversations from {offset} on"),
            Self::DirectContext { name, .. } => write!(f, "asks for its context with {name}"),
            Self::AddContact { name, .. } => write!(f, "makes {name} its contact"),
            Self::NoteContact { name, notes, .. } => write!(f, "notes {notes:?} about its contact {name}"),
            Self::RemoveContact { name, .. } => write!(f, "removes its contact {name}"),
            Self::CheckContact { name, .. } => write!(f, "asks whether {name} is its contact"),
            Self::Block { name, .. } => write!(f, "blocks {name}"),
            Self::Unblock { name, .. } => write!(f, "unblocks {name}"),
            Self::Report { name, .. } => write!(f, "reports {name}"),
            Self::Mute { what, until, .. } => write!(f, "mutes {what} until {}", moment(*until)),
            Self::Unmute { what, .. } => write!(f, "unmutes {what}"),
            Self::Notify { conversation, level, .. } => write!(f, "wants {level} of {}", of_conversation(conversation)),
            Self::CreateGroup { name, members, .. } => write!(f, "makes the group {name:?} and adds {members:?}"),
            Self::UpdateGroup { group, change, .. } => write!(f, "changes {}: {change:?}", of_conversation(group)),
            Self::DeleteGroup { group, .. } => write!(f, "deletes {}", of_conversation(group)),
            Self::AddMember { group, name, .. } => write!(f, "adds {name} to {}", of_conversation(group)),
            Self::Accept { invite, .. } => write!(f, "accepts the invitation {}", of_step(invite.bytes())),
            Self::Reject { invite, .. } => write!(f, "rejects the invitation {}", of_step(invite.bytes())),
            Self::Kick { group, name, .. } => write!(f, "kicks {name} out of {}", of_conversation(group)),
            Self::Promote { group, name, .. } => write!(f, "promotes {name} in {}", of_conversation(group)),
            Self::Demote { group, name, .. } => write!(f, "demotes {name} in {}", of_conversation(group)),
            Self::Leave { group, .. } => write!(f, "leaves {}", of_conversation(group)),
            Self::Expire => write!(f, "the job of expiry runs"),
            Self::Retain { age, .. } => write!(f, "messages older than {age} ms are emptied"),
            Self::Work { chunks, rows } => write!(f, "{chunks} chunks of {rows} rows of unfinished jobs are done"),
            Self::Crash => write!(f, "the store crashes and is opened again"),
        }
    }
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} as {:?}", self.kind, self.content, self.client_msg_id)?;
        match self.expires_at {
            Some(at) => write!(f, " (expires {})", Timestamp::from_millis(at)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Conversation(id) => f.write_str(&of_conversation(id)),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivery { of, message } => write!(f, "{}'s delivery of {}", NAMES[*of], of_message(message)),
            Self::Forged => f.write_str("a forged delivery id"),
        }
    }
}

impl fmt::Display for Muted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Conversation(id) => f.write_str(&of_conversation(id)),
        }
    }
}

fn open(contacts_only: bool) -> &'static str {
    if contacts_only { "contacts_only" } else { "open" }
}

fn moment(at: Option<i64>) -> String {
    at.map_or_else(|| "further notice".to_owned(), |at| Timestamp::from_millis(at).to_string())
}

fn of_message(id: &MessageId) -> String {
    format!("the message {}", of_step(id.bytes()))
}

fn of_conversation(id: &ConversationId) -> String {
    let kind = if id.is_group() { "group" } else { "conversation" };
    format!("the {kind} {}", of_step(id.bytes()))
}

/// Which step an id was made in.
fn of_step(id: [u8; 16]) -> String {
    match Turn::number_of(id) {
        0 => "nobody knows".to_owned(),
        number if id[15] == 0 => format!("of step {number}"),
        number => format!("of step {number} ({})", id[15]),
    }
}

/// When a step happens, and the ids it may use: the same for model and system.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// From 1.
    pub(super) number: u32,
    /// Milliseconds since 1970.
    pub(super) now: i64,
}

impl Turn {
    /// The 16 bytes of a fresh id; `purpose` tells kinds of ids apart.
    fn id(&self, purpose: u8, index: u8) -> [u8; 16] {
        let mut id = [0; 16];
        id[0] = 1;
        id[4..8].copy_from_slice(&self.number.to_be_bytes());
        id[14] = purpose;
        id[15] = index;
        id
    }

    fn number_of(id: [u8; 16]) -> u32 {
        u32::from_be_bytes([id[4], id[5], id[6], id[7]])
    }

    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    pub(super) fn message(&self, index: u8) -> MessageId {
        MessageId::from_bytes(self.id(1, index))
    }

    /// For a conversation or a group that this step may open.
    pub(super) fn conversation(&self) -> [u8; 16] {
        self.id(2, 0)
    }

    pub(super) fn invite(&self, index: u8) -> InviteId {
        InviteId::from_bytes(self.id(3, index))
    }

    /// For what the audit keeps of the look at a restricted account before the action.
    pub(super) fn review(&self) -> [u8; 16] {
        self.id(5, 0)
    }

    /// For an agent or an event of the audit.
    pub(super) fn other(&self) -> [u8; 16] {
        self.id(4, 0)
    }
}
