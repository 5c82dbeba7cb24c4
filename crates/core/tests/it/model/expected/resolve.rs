//! From a step to an action: whom, what and where it means in this state.

use agentchat_protocol::id::{ConversationId, ConversationKind, InviteId, MessageId};
use serde_json::json;

use super::{DAY, Model, Status};
use crate::model::script::{
    Action, Anchor, Cursor, Draft, GroupChange, Muted, NAMES, Pause, Step, Target, Turn, Verb, Who,
};

/// As many groups there are at once, mostly.
const FEW: usize = 3;
/// What may wake a member.
const LEVELS: [&str; 3] = ["all", "mentions", "none"];

/// Picks of `what` at and above this mean something unusual.
const ODD: u8 = 220;

impl Model {
    /// What a step comes to. Where there is nothing to do it with, somebody says something.
    pub(in super::super) fn resolve(&self, step: Step, turn: &Turn) -> Action {
        let instead = || self.of_service(Step { verb: Verb::Send, ..step }, turn);
        self.of_service(step, turn).or_else(instead).unwrap_or(Action::Wait { millis: 1 })
    }

    fn of_service(&self, step: Step, turn: &Turn) -> Option<Action> {
        let Step { verb, who: pick, what, how } = step;
        match verb {
            Verb::Wait => return Some(Action::Wait { millis: wait(how, what) }),
            Verb::Expire => return Some(Action::Expire),
            Verb::Retain => {
                let age = [60_000, 3, 0][usize::from(how % 3)];
                return Some(Action::Retain { age, cut_short: what % 2 == 1 });
            }
            Verb::Crash => return Some(Action::Crash),
            Verb::Work => {
                return Some(Action::Work { chunks: usize::from(what % 4) + 1, rows: u64::from(how % 3) * 3 + 1 });
            }
            Verb::Register => {
                let unused = (0..NAMES.len()).find(|who| self.agents[*who].is_none());
                let name = if what < ODD { unused? } else { usize::from(how) % NAMES.len() };
                return Some(Action::Register { name });
            }
            Verb::Pause => {
                let mode = [Pause::No, Pause::Full, Pause::No, Pause::Send][usize::from(how % 4)];
                return Some(Action::Pause { who: self.actor(pick)?, mode });
            }
            Verb::Suspend => return Some(Action::Suspend { who: self.actor(pick)? }),
            Verb::Reinstate => {
                let suspended =
                    |who: &Who| self.agents[*who].as_ref().is_some_and(|one| one.status == Status::Suspended);
                let first = (0..NAMES.len()).find(suspended);
                return Some(Action::Reinstate { who: first.or_else(|| self.actor(pick))? });
            }
            _ => {}
        }
        self.of_agent(step, self.somebody_for(verb, pick, what)?, turn)
    }

    /// Somebody who can do this, mostly: an admin, whoever has blocked or muted somebody, or anybody.
    fn somebody_for(&self, verb: Verb, pick: u8, what: u8) -> Option<Who> {
        let who = self.actor(pick)?;
        let fits = |one: Who| match verb {
            Verb::AddMember | Verb::UpdateGroup | Verb::Kick | Verb::Promote | Verb::Demote => {
                self.conversations.iter().any(|conversation| {
                    conversation.group().is_some_and(|group| group.deleted.is_none())
                        && conversation.seats.get(&one).is_some_and(|seat| seat.inside && seat.admin)
                })
            }
            Verb::NoteContact | Verb::RemoveContact => !self.agent(one).contacts.is_empty(),
            Verb::Unblock => !self.agent(one).blocks.is_empty(),
            Verb::UnmuteAgent | Verb::UnmuteConversation => !self.agent(one).mutes.is_empty(),
            _ => true,
        };
        if what >= ODD || fits(who) {
            return Some(who);
        }
        self.everybody().into_iter().find(|one| fits(*one)).or(Some(who))
    }

    fn of_agent(&self, Step { verb, what, how, .. }: Step, who: Who, turn: &Turn) -> Option<Action> {
        let name = NAMES[self.other(what)];
        let group = || self.pick_group(verb, who, what);
        let contact = || self.one_of(self.agent(who).contacts.keys(), what).unwrap_or(name);
        let draft = || draft(how, turn);
        Some(match verb {
            Verb::Profile => profile(who, what, how),
            Verb::DeleteAccount => Action::DeleteAccount { who },
            Verb::Send => Action::Send { who, target: Target::Name(self.recipient(who, what)), draft: draft() },
            Verb::SendInto => Action::Send { who, target: Target::Conversation(self.pick(who, what)?), draft: draft() },
            Verb::Answer => {
                let id = self.to_be_answered(who, what)?;
                Action::Send { who, target: Target::Conversation(id), draft: draft() }
            }
            Verb::SendToGroup => Action::Send { who, target: Target::Conversation(group()?), draft: draft() },
            Verb::Resend => self.resend(who, what, how)?,
            Verb::Read => Action::Read { who, message: self.pick_message(who, what)? },
            Verb::ReadThrough => {
                Action::ReadThrough { who, conversation: self.pick(who, what)?, seq: u64::from(how) % 24 }
            }
            Verb::HideMessage => Action::HideMessage { who, message: self.pick_message(who, what)? },
            Verb::HideConversation => Action::HideConversation { who, conversation: self.pick(who, what)? },
            Verb::Ack => {
                let second = (how % 2 == 1).then(|| self.pick_message(who, how)).flatten();
                Action::Ack { who, messages: self.pick_message(who, what).into_iter().chain(second).collect() }
            }
            Verb::AckThrough => Action::AckThrough { who, cursor: self.cursor(who, what, how)? },
            Verb::Sync => {
                let after = if how % 2 == 0 { None } else { self.cursor(who, what, how) };
                Action::Sync { who, after, limit: usize::from(how % 5) + 1 }
            }
            Verb::History => Action::History {
                who,
                conversation: self.pick(who, what)?,
                anchor: self.anchor(who, what, how)?,
                limit: usize::from(how % 6) + 1,
            },
            Verb::List => Action::List { who, limit: u64::from(what % 3) + 1, offset: u64::from(how % 3) },
            Verb::DirectContext => Action::DirectContext { who, name },
            Verb::AddContact => Action::AddContact { who, name },
            Verb::NoteContact => Action::NoteContact {
                who,
                name: contact(),
                notes: (how % 3 > 0).then(|| format!("note {}", turn.number)),
            },
            Verb::RemoveContact => Action::RemoveContact { who, name: contact() },
            Verb::CheckContact => Action::CheckContact { who, name },
            Verb::Block => Action::Block { who, name: self.bothered_by(who, what).unwrap_or(name) },
            Verb::Unblock => {
                let blocked = self.one_of(self.agent(who).blocks.keys(), what);
                Action::Unblock { who, name: blocked.unwrap_or(name) }
            }
            Verb::Report => Action::Report { who, name: self.bothered_by(who, what).unwrap_or(name) },
            Verb::MuteAgent => Action::Mute { who, what: Muted::Name(name), until: until(how, turn) },
            Verb::MuteConversation => {
                Action::Mute { who, what: Muted::Conversation(self.pick(who, what)?), until: until(how, turn) }
            }
            Verb::UnmuteAgent | Verb::UnmuteConversation => Action::Unmute { who, what: self.muted(verb, who, what)? },
            Verb::Notify => {
                Action::Notify { who, conversation: self.pick(who, what)?, level: LEVELS[usize::from(how) % 3] }
            }
            Verb::UpdateGroup => Action::UpdateGroup { who, group: group()?, change: change(how, turn) },
            Verb::DeleteGroup => Action::DeleteGroup { who, group: group()? },
            Verb::CreateGroup if self.living_groups() < FEW || what >= ODD => self.create(who, what, how, turn),
            Verb::CreateGroup | Verb::AddMember => {
                Action::AddMember { who, group: group()?, name: NAMES[self.other(how)] }
            }
            Verb::Accept => {
                let (who, invite) = self.pick_invite(who, what)?;
                Action::Accept { who, invite }
            }
            Verb::Reject => {
                let (who, invite) = self.pick_invite(who, what)?;
                Action::Reject { who, invite }
            }
            Verb::Kick => Action::Kick { who, group: group()?, name: self.member(verb, who, group()?, how) },
            Verb::Promote => Action::Promote { who, group: group()?, name: self.member(verb, who, group()?, how) },
            Verb::Demote => Action::Demote { who, group: group()?, name: self.member(verb, who, group()?, how) },
            Verb::Leave => Action::Leave { who, group: group()? },
            _ => return None,
        })
    }

    /// Mostly somebody who can do something.
    fn actor(&self, pick: u8) -> Option<Who> {
        let registered = (0..NAMES.len()).filter(|who| self.agents[*who].is_some());
        let actors: Vec<Who> = registered.filter(|who| pick >= 245 || self.is_reachable(*who)).collect();
        (!actors.is_empty()).then(|| actors[usize::from(pick) % actors.len()])
    }

    /// Mostly somebody who is there.
    fn other(&self, what: u8) -> Who {
        let there: Vec<Who> = (0..NAMES.len()).filter(|who| self.agents[*who].is_some() && self.lives(*who)).collect();
        if what >= ODD { usize::from(what) % NAMES.len() } else { there[usize::from(what) % there.len()] }
    }

    /// A name as people write it, or nobody's; seldom the sender's own.
    fn recipient(&self, who: Who, what: u8) -> String {
        let found = self.other(what);
        let name = NAMES[if found == who && what < ODD { self.other(what.wrapping_add(1)) } else { found }];
        match what {
            250.. => "nobody-here".to_owned(),
            240.. => format!("@{}", name.to_uppercase()),
            _ => name.to_owned(),
        }
    }

    /// A conversation, mostly one of `who`, the youngest first.
    fn pick(&self, who: Who, what: u8) -> Option<ConversationId> {
        match what {
            252.. => return Some(ConversationId::nowhere(ConversationKind::Direct)),
            248.. => return Some(ConversationId::nowhere(ConversationKind::Group)),
            _ => {}
        }
        let found: Vec<ConversationId> = self
            .conversations
            .iter()
            .filter(|one| what >= ODD || one.seats.contains_key(&who))
            .map(|one| one.id)
            .collect();
        from_the_end(&found, what)
    }

    /// A group, mostly one that `who` is in, and an admin of where only admins may do it.
    fn pick_group(&self, verb: Verb, who: Who, what: u8) -> Option<ConversationId> {
        if what >= 252 {
            return Some(ConversationId::nowhere(ConversationKind::Group));
        }
        let groups = self.conversations.iter().enumerate().filter(|(_, one)| one.group().is_some());
        let rules = matches!(verb, Verb::AddMember | Verb::UpdateGroup | Verb::Kick | Verb::Promote | Verb::Demote);
        let fits = |at: usize, one: &super::Conversation| match what {
            ODD.. => true,
            200.. => one.seats.contains_key(&who),
            180.. => self.is_member(at, who),
            _ => self.is_member(at, who) && (!rules || one.seats[&who].admin),
        };
        let found: Vec<ConversationId> = groups.filter(|(at, one)| fits(*at, one)).map(|(_, one)| one.id).collect();
        from_the_end(&found, what)
    }

    /// Another member of a group, of the rank that makes sense, or anybody.
    fn member(&self, verb: Verb, who: Who, group: ConversationId, how: u8) -> &'static str {
        let at = self.find_conversation(group);
        let mut members = at.map(|at| self.members(at)).unwrap_or_default();
        members.retain(|one| *one != who || how >= 190);
        let admin = |one: &Who| at.is_some_and(|at| self.conversations[at].seats[one].admin);
        let fitting = |one: &Who| admin(one) == (verb == Verb::Demote);
        if how < 160 && members.iter().any(fitting) {
            members.retain(fitting);
        }
        let anybody = how >= ODD || members.is_empty();
        NAMES[if anybody { self.other(how) } else { members[usize::from(how) % members.len()] }]
    }

    fn living_groups(&self) -> usize {
        let living = |one: &&super::Conversation| one.group().is_some_and(|group| group.deleted.is_none());
        self.conversations.iter().filter(living).count()
    }

    /// The conversation that waits for an answer of `who`, or one where something came in.
    fn to_be_answered(&self, who: Who, what: u8) -> Option<ConversationId> {
        let answers = |one: &&super::Conversation| {
            one.group().is_none()
                && one.seats.contains_key(&who)
                && one.messages.last().is_some_and(|last| last.sender != who)
        };
        let found: Vec<ConversationId> = self.conversations.iter().filter(answers).map(|one| one.id).collect();
        from_the_end(&found, what)
    }

    /// A message, mostly one that `who` received, the newest first.
    fn pick_message(&self, who: Who, what: u8) -> Option<MessageId> {
        if what >= 250 {
            return Some(MessageId::from_bytes([0; 16]));
        }
        let mut found: Vec<(i64, usize, MessageId)> = Vec::new();
        for conversation in &self.conversations {
            for (index, message) in conversation.messages.iter().enumerate() {
                let fits = match what {
                    ODD.. => true,
                    190.. => message.sender == who,
                    _ => message.envelope(who).is_some(),
                };
                if fits {
                    found.push((message.created_at, index, message.id));
                }
            }
        }
        found.sort_unstable();
        let ids: Vec<MessageId> = found.into_iter().map(|(_, _, id)| id).collect();
        from_the_end(&ids, what)
    }

    fn cursor(&self, who: Who, what: u8, how: u8) -> Option<Cursor> {
        if how >= 250 {
            return Some(Cursor::Forged);
        }
        let of = if how >= 235 { self.actor(what)? } else { who };
        let message = self.pick_message(of, what % 190)?;
        Some(Cursor::Delivery { of, message })
    }

    fn anchor(&self, who: Who, what: u8, how: u8) -> Option<Anchor> {
        Some(match how % 4 {
            0 => Anchor::Newest,
            1 => Anchor::Before(u64::from(how) % 19),
            2 => Anchor::After(u64::from(how) % 19),
            _ => Anchor::Around(self.pick_message(who, what.wrapping_mul(7))?),
        })
    }

    /// Something that was sent before, as it was, or changed, or to somebody else.
    fn resend(&self, who: Who, what: u8, how: u8) -> Option<Action> {
        let sent: Vec<&super::Sent> =
            self.sent.iter().filter(|((by, _), _)| *by == who).map(|(_, sent)| sent).collect();
        let earlier = sent[..].get(usize::from(what) % sent.len().max(1))?;
        let (mut target, mut draft) = (earlier.target.clone(), earlier.draft.clone());
        let id = self.conversations[earlier.conversation].id;
        match how % 6 {
            1 => draft.content = json!({ "text": "another" }).to_string(),
            2 => target = Target::Name(NAMES[self.other(how)].to_owned()),
            3 => target = Target::Conversation(id),
            4 => target = Target::Conversation(self.pick(who, how)?),
            _ => {}
        }
        Some(Action::Send { who, target, draft })
    }

    /// Somebody who wrote to `who` first: only then blocks and reports count.
    fn bothered_by(&self, who: Who, what: u8) -> Option<&'static str> {
        let first = self.conversations.iter().filter_map(|one| match one.kind {
            super::Kind::Direct { initiator, .. } if one.seats.contains_key(&who) && initiator != who => {
                Some(initiator)
            }
            _ => None,
        });
        let first: Vec<Who> = first.collect();
        from_the_end(&first, what).filter(|_| what < 150).map(|one| NAMES[one])
    }

    /// One of these, unless something unusual is to happen.
    fn one_of<'a>(&self, all: impl Iterator<Item = &'a Who>, what: u8) -> Option<&'static str> {
        let all: Vec<Who> = all.copied().collect();
        from_the_end(&all, what).filter(|_| what < ODD).map(|other| NAMES[other])
    }

    fn muted(&self, verb: Verb, who: Who, what: u8) -> Option<Muted> {
        let of_agents = verb == Verb::UnmuteAgent;
        let mutes = self.agent(who).mutes.iter().map(|mute| mute.what.clone());
        let mutes: Vec<Muted> = mutes.filter(|mute| matches!(mute, Muted::Name(_)) == of_agents).collect();
        let one =
            if mutes.is_empty() || what >= ODD { None } else { Some(mutes[usize::from(what) % mutes.len()].clone()) };
        match one {
            Some(one) => Some(one),
            None if of_agents => Some(Muted::Name(NAMES[self.other(what)])),
            None => self.pick(who, what).map(Muted::Conversation),
        }
    }

    fn create(&self, who: Who, what: u8, how: u8, turn: &Turn) -> Action {
        let members =
            (0..how % 5).map(|index| NAMES[usize::from(what.wrapping_add(index * 3)) % NAMES.len()]).collect();
        Action::CreateGroup { who, name: format!("group {}", turn.number), members }
    }

    /// An invitation, and whoever follows it: mostly the invited one.
    fn pick_invite(&self, who: Who, what: u8) -> Option<(Who, InviteId)> {
        let invites: Vec<&super::Invite> = self.invites.iter().filter(|one| self.is_reachable(one.invitee)).collect();
        if what >= 250 || invites.is_empty() {
            return (what >= ODD).then_some((who, InviteId::from_bytes([0; 16])));
        }
        let invite = invites[usize::from(what) % invites.len()];
        Some((if what >= ODD { who } else { invite.invitee }, invite.id))
    }
}

/// Counted back from the last one.
fn from_the_end<T: Copy>(all: &[T], pick: u8) -> Option<T> {
    let back = usize::from(pick) % all.len().max(1);
    all.iter().rev().nth(back).copied()
}

fn wait(how: u8, what: u8) -> i64 {
    let what = i64::from(what);
    match how % 8 {
        0 => 5,
        1 | 2 => 1_000 + what * 20,
        3 => 29_000 + what * 10,
        4 => 60_000 + what * 1_000,
        5 => 3_600_000,
        6 => DAY + what,
        _ => 7 * DAY,
    }
}

fn until(how: u8, turn: &Turn) -> Option<i64> {
    match how % 4 {
        0 | 1 => None,
        2 => Some(turn.now + 2_000),
        _ => Some(turn.now + 600_000),
    }
}

fn draft(how: u8, turn: &Turn) -> Draft {
    let number = turn.number;
    let (kind, content) = match how % 16 {
        0 => ("structured", json!({ "data": { "n": number } })),
        1 => ("file", json!({ "text": format!("a file {number}") })),
        2 => ("text", json!({ "text": format!("@bob and @A-Bot, mind {number}; @bob!") })),
        3 => ("text", json!({ "text": format!("  long \n {} ", "words and ".repeat(20)) })),
        4 => ("text", json!({ "text": "" })),
        _ => ("text", json!({ "text": format!("message {number}") })),
    };
    let expires_in = match how {
        250.. => Some(500),
        220.. => Some(60_000),
        170.. => Some(1_500),
        _ => None,
    };
    Draft {
        client_msg_id: format!("c{number}"),
        kind,
        content: content.to_string(),
        metadata: (how % 16 == 5).then(|| json!({ "n": number }).to_string()),
        expires_at: expires_in.map(|millis| turn.now + millis),
    }
}

fn profile(who: Who, what: u8, how: u8) -> Action {
    let only = |bits: u8| (bits % 4 < 2).then_some(bits % 2 == 1);
    let display_name = match what % 8 {
        0 => Some(None),
        1 | 2 => Some(Some(format!("{} the {how}", NAMES[who]))),
        _ => None,
    };
    Action::Profile { who, display_name, contacts_only: only(how), invites_by_contacts: only(how / 4) }
}

fn change(how: u8, turn: &Turn) -> GroupChange {
    GroupChange {
        name: how.is_multiple_of(2).then(|| format!("group {}", turn.number / 8)),
        description: match how % 5 {
            0 => Some(None),
            1 => Some(Some(format!("about {}", turn.number / 8))),
            _ => None,
        },
        avatar_url: match how % 7 {
            0 => Some(None),
            1 => Some(Some(format!("https://example.com/{}.png", turn.number / 8))),
            _ => None,
        },
    }
}
