//! The model: what the contract (wire.md §2, §5–§12, extensions.md X2, X3, X8) says becomes of a script, written down as
//! plainly as it can be. It knows every message, every envelope and everybody's attitudes, and works everything out
//! from them; nothing is counted, chunked or kept twice. It takes nothing from the code it is compared with but the
//! spelling of ids and times.

mod accounts;
mod delivery;
mod groups;
mod members;
mod people;
mod rates;
mod resolve;
mod retention;
mod send;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use agentchat_protocol::id::{AgentId, ConversationId, InviteId, MessageId};
use serde_json::{Value, json};

use super::script::{Action, Draft, Muted, NAMES, Pause, Target, Turn, Who};
pub(super) use rates::Rate;

/// What an action answers: the body of a success, or the refusal.
pub(super) type Answer = Result<Value, Refused>;

/// An error's code and details.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refused {
    pub(super) code: &'static str,
    /// Null: none. What a `VALIDATION_ERROR` says of itself is not looked at.
    pub(super) details: Value,
}

/// The limits of a run: small, so that scripts run into them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) cold_cap: usize,
    pub(super) backlog_hard: usize,
    pub(super) backlog_warn: usize,
    pub(super) expiry_max_ms: i64,
    pub(super) group_send: Rate,
    pub(super) loop_guard: Rate,
    pub(super) group_invite: Rate,
    pub(super) group_members: usize,
    pub(super) restrict_blocks: usize,
    pub(super) suspend_blocks: usize,
    pub(super) suspend_reports: usize,
}

pub(super) const LIMITS: Limits = Limits {
    cold_cap: 2,
    backlog_hard: 6,
    backlog_warn: 3,
    expiry_max_ms: 30 * DAY,
    group_send: Rate { limit: 4, window_s: 60 },
    loop_guard: Rate { limit: 4, window_s: 600 },
    group_invite: Rate { limit: 5, window_s: 86_400 },
    group_members: 3,
    restrict_blocks: 1,
    suspend_blocks: 3,
    suspend_reports: 2,
};

pub(super) const DAY: i64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Clone)]
pub(super) struct Model {
    now: i64,
    agents: Vec<Option<Agent>>,
    conversations: Vec<Conversation>,
    invites: Vec<Invite>,
    /// What every sender sent, by its own id for it.
    sent: BTreeMap<(Who, String), Sent>,
    /// Whoever sees something else than before the action.
    pub(super) touched: BTreeSet<Who>,
    /// Where something else is seen.
    pub(super) touched_in: BTreeSet<ConversationId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Active,
    Restricted,
    Suspended,
    Deleted,
}

#[derive(Debug, Clone)]
struct Agent {
    id: AgentId,
    display_name: Option<String>,
    status: Status,
    pause: Pause,
    inbox_contacts_only: bool,
    invites_contacts_only: bool,
    is_system: bool,
    contacts: BTreeMap<Who, Contact>,
    /// Since when.
    blocks: BTreeMap<Who, i64>,
    reports: BTreeMap<Who, i64>,
    mutes: Vec<Mute>,
    reinstated_at: Option<i64>,
    /// State of policy `group_invite`.
    group_invite: i64,
    /// Envelopes so far.
    envelopes: u64,
}

#[derive(Debug, Clone)]
struct Contact {
    added_at: i64,
    notes: Option<String>,
}

#[derive(Debug, Clone)]
struct Mute {
    what: Muted,
    until: Option<i64>,
    created_at: i64,
}

#[derive(Debug, Clone)]
struct Conversation {
    id: ConversationId,
    created_at: i64,
    /// `seq` is the index + 1.
    messages: Vec<Said>,
    /// Everybody who ever was in it.
    seats: BTreeMap<Who, Seat>,
    kind: Kind,
    /// States of the policies `group_send` and `loop`.
    group_send: i64,
    loop_guard: i64,
}

#[derive(Debug, Clone)]
enum Kind {
    Direct { initiator: Who, established: bool },
    Group(Group),
}

#[derive(Debug, Clone)]
struct Group {
    name: String,
    description: Option<String>,
    avatar_url: Option<String>,
    creator: Who,
    deleted: Option<(i64, Who)>,
    /// Members when it was deleted. Its last message goes on saying so; the contract leaves that open.
    ended_with: usize,
}

#[derive(Debug, Clone)]
struct Seat {
    /// Of a deleted account it stays set until the job has left the group.
    inside: bool,
    admin: bool,
    joined_seq: usize,
    joined_at: i64,
    read_through: usize,
    hidden_at: Option<i64>,
    notify: &'static str,
    /// Seqs.
    hidden: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
struct Said {
    id: MessageId,
    sender: Who,
    client_msg_id: String,
    kind: &'static str,
    content: Value,
    metadata: Value,
    mentions: Vec<String>,
    created_at: i64,
    expires_at: Option<i64>,
    envelopes: Vec<Envelope>,
    /// Nothing is left of it but its place and its sender's id for it.
    is_empty: bool,
}

#[derive(Debug, Clone)]
struct Envelope {
    to: Who,
    /// The how manyth of its recipient.
    place: u64,
    delivered_at: Option<i64>,
    read_at: Option<i64>,
    /// Not pushed live.
    quiet: bool,
}

#[derive(Debug, Clone)]
struct Invite {
    id: InviteId,
    group: usize,
    invitee: Who,
    inviter: Who,
    created_at: i64,
}

#[derive(Debug, Clone)]
struct Sent {
    conversation: usize,
    seq: usize,
    draft: Draft,
    target: Target,
}

fn refused(code: &'static str) -> Refused {
    Refused { code, details: Value::Null }
}

fn refused_with(code: &'static str, details: Value) -> Refused {
    Refused { code, details }
}

fn invalid() -> Refused {
    refused("VALIDATION_ERROR")
}

impl Model {
    pub(super) fn new(now: i64) -> Self {
        Self {
            now,
            agents: vec![None; NAMES.len()],
            conversations: Vec::new(),
            invites: Vec::new(),
            sent: BTreeMap::new(),
            touched: BTreeSet::new(),
            touched_in: BTreeSet::new(),
        }
    }

    /// Does one thing. A refusal changes nothing.
    pub(super) fn apply(&mut self, action: &Action, turn: &Turn) -> Answer {
        self.now = turn.now;
        self.touched.clear();
        self.touched_in.clear();
        if let Some(who) = action.caller() {
            self.touched.insert(who);
            self.authenticate(who)?;
        }
        self.perform(action, turn)
    }

    fn perform(&mut self, action: &Action, turn: &Turn) -> Answer {
        match action {
            Action::Wait { .. } | Action::Expire | Action::Retain { .. } | Action::Work { .. } | Action::Crash => {
                Ok(json!({}))
            }
            Action::Register { name } => self.register(*name, turn),
            Action::Profile { who, display_name, contacts_only, invites_by_contacts } => {
                self.change_profile(*who, display_name.as_ref(), *contacts_only, *invites_by_contacts)
            }
            Action::DeleteAccount { who } => self.delete_account(*who),
            Action::Pause { who, mode } => self.pause(*who, *mode),
            Action::Suspend { who } => self.suspend(*who),
            Action::Reinstate { who } => self.reinstate(*who),
            Action::Send { who, target, draft } => self.send(*who, target, draft, turn),
            Action::Read { who, message } => self.read(*who, *message),
            Action::ReadThrough { who, conversation, seq } => self.read_through(*who, *conversation, *seq),
            Action::HideMessage { who, message } => self.hide_message(*who, *message),
            Action::HideConversation { who, conversation } => self.hide_conversation(*who, *conversation),
            Action::Ack { who, messages } => Ok(self.ack(*who, messages)),
            Action::AckThrough { who, cursor } => Ok(self.ack_through(*who, *cursor)),
            Action::Sync { who, after, limit } => Ok(self.sync(*who, *after, *limit)),
            Action::History { who, conversation, anchor, limit } => self.history(*who, *conversation, *anchor, *limit),
            Action::List { who, limit, offset } => Ok(self.list(*who, *limit, *offset)),
            Action::DirectContext { who, name } => self.direct_context(*who, name),
            Action::AddContact { who, name } => self.add_contact(*who, name),
            Action::NoteContact { who, name, notes } => self.note_contact(*who, name, notes.as_ref()),
            Action::RemoveContact { who, name } => self.remove_contact(*who, name),
            Action::CheckContact { who, name } => Ok(self.check_contact(*who, name)),
            Action::Block { who, name } => self.block(*who, name),
            Action::Unblock { who, name } => self.unblock(*who, name),
            Action::Report { who, name } => self.report(*who, name),
            Action::Mute { who, what, until } => self.mute(*who, what, *until),
            Action::Unmute { who, what } => self.unmute(*who, what),
            Action::Notify { who, conversation, level } => self.notify(*who, *conversation, level),
            Action::CreateGroup { who, name, members } => Ok(self.create_group(*who, name, members, turn)),
            Action::UpdateGroup { who, group, change } => self.update_group(*who, *group, change, turn),
            Action::DeleteGroup { who, group } => self.delete_group(*who, *group, turn),
            Action::AddMember { who, group, name } => self.add_member(*who, *group, name, turn),
            Action::Accept { who, invite } => self.accept(*who, *invite, turn),
            Action::Reject { who, invite } => self.reject(*who, *invite),
            Action::Kick { who, group, name } => self.kick(*who, *group, name, turn),
            Action::Promote { who, group, name } => self.promote(*who, *group, name, turn),
            Action::Demote { who, group, name } => self.demote(*who, *group, name, turn),
            Action::Leave { who, group } => self.leave(*who, *group, turn),
        }
    }

    fn agent(&self, who: Who) -> &Agent {
        self.agents[who].as_ref().expect("an agent that registered")
    }

    fn agent_mut(&mut self, who: Who) -> &mut Agent {
        self.agents[who].as_mut().expect("an agent that registered")
    }

    /// Whoever has that name, deleted or not.
    fn named(&self, name: &str) -> Option<Who> {
        let name = name.strip_prefix('@').unwrap_or(name).to_lowercase();
        NAMES.iter().position(|one| *one == name).filter(|who| self.agents[*who].is_some())
    }

    /// `AGENT_NOT_FOUND` unless an active or restricted account has that name.
    fn find_somebody(&self, name: &str) -> Result<Who, Refused> {
        self.named(name).filter(|who| self.is_reachable(*who)).ok_or_else(|| refused("AGENT_NOT_FOUND"))
    }

    fn is_reachable(&self, who: Who) -> bool {
        self.agent(who).status <= Status::Restricted
    }

    fn lives(&self, who: Who) -> bool {
        self.agent(who).status != Status::Deleted
    }

    fn touch_everybody(&mut self) {
        self.touched.extend((0..NAMES.len()).filter(|who| self.agents[*who].is_some()));
    }

    fn find_conversation(&self, id: ConversationId) -> Option<usize> {
        self.conversations.iter().position(|conversation| conversation.id == id)
    }

    /// Where a message is, and its index there.
    fn find_message(&self, id: MessageId) -> Option<(usize, usize)> {
        self.conversations.iter().enumerate().find_map(|(at, conversation)| {
            conversation.messages.iter().position(|message| message.id == id).map(|index| (at, index))
        })
    }

    /// The same, unless it was emptied.
    fn find_kept(&self, id: MessageId) -> Option<(usize, usize)> {
        self.find_message(id).filter(|(at, index)| !self.conversations[*at].messages[*index].is_empty)
    }

    /// Who is in a conversation now.
    fn members(&self, conversation: usize) -> Vec<Who> {
        let conversation = &self.conversations[conversation];
        if conversation.group().is_some_and(|group| group.deleted.is_some()) {
            return Vec::new();
        }
        let is_direct = conversation.group().is_none();
        let seats = conversation.seats.iter();
        seats.filter(|(who, seat)| is_direct || (seat.inside && self.lives(**who))).map(|(who, _)| *who).collect()
    }

    /// How many members rows say there are.
    fn member_count(&self, conversation: usize) -> usize {
        match self.conversations[conversation].group() {
            Some(group) if group.deleted.is_some() => group.ended_with,
            _ => self.members(conversation).len(),
        }
    }

    fn is_member(&self, conversation: usize, who: Who) -> bool {
        self.members(conversation).contains(&who)
    }
}

impl Conversation {
    fn group(&self) -> Option<&Group> {
        match &self.kind {
            Kind::Direct { .. } => None,
            Kind::Group(group) => Some(group),
        }
    }

    fn group_mut(&mut self) -> Option<&mut Group> {
        match &mut self.kind {
            Kind::Direct { .. } => None,
            Kind::Group(group) => Some(group),
        }
    }

    fn seat_mut(&mut self, who: Who) -> &mut Seat {
        self.seats.get_mut(&who).expect("somebody who was in it")
    }

    /// The other side of a direct conversation.
    fn other(&self, who: Who) -> Option<Who> {
        match self.kind {
            Kind::Direct { .. } => self.seats.keys().copied().find(|other| *other != who),
            Kind::Group(_) => None,
        }
    }

    fn last_at(&self) -> Option<i64> {
        self.messages.last().map(|message| message.created_at)
    }
}

impl Seat {
    fn new(joined_seq: usize, joined_at: i64) -> Self {
        Self {
            inside: true,
            admin: false,
            joined_seq,
            joined_at,
            read_through: 0,
            hidden_at: None,
            notify: "all",
            hidden: BTreeSet::new(),
        }
    }

    /// Whether a message belongs to what whoever sits here is shown of the conversation.
    fn shows(&self, seq: usize, message: &Said) -> bool {
        !message.is_empty
            && seq >= self.joined_seq
            && self.hidden_at.is_none_or(|hidden_at| message.created_at > hidden_at)
            && !self.hidden.contains(&seq)
    }
}

impl Said {
    fn envelope(&self, to: Who) -> Option<&Envelope> {
        self.envelopes.iter().find(|envelope| envelope.to == to)
    }

    /// It waits for this recipient.
    fn waits(&self, envelope: &Envelope, now: i64) -> bool {
        envelope.delivered_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }

    /// It left the queue by itself.
    fn expired(&self, envelope: &Envelope, now: i64) -> bool {
        envelope.delivered_at.is_none() && self.expires_at.is_some_and(|at| at <= now)
    }
}
