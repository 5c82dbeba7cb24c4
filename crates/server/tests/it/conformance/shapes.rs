//! Success bodies, member by member, in a notation close to the contract's own.
//!
//! `{handle, notes|null, added_at}` is an object with exactly these members. A member is text unless it says otherwise
//! (`count: int`), a time when its name ends in `_at`, may be null when marked `|null`, and absent when marked `?`.
//! `[Agent]` is a list, `Agent` an object of the table below, `..Agent` all its members, `agt_` an id with that prefix,
//! `online/offline` one of these words.

use serde_json::{Map, Value};

/// The objects of wire.md §2 and of the sections that define more.
const OBJECTS: &[(&str, &str)] = &[
    (
        "Agent",
        "{id: agt_, handle, email, display_name|null, description|null, avatar_url|null,
          status: active/restricted/suspended/deleted, paused_by_owner: none/send/full,
          settings: {inbox_mode: open/contacts_only, group_invite_policy: open/contacts_only},
          is_system: bool, created_at, updated_at}",
    ),
    (
        "AgentProfile",
        "{handle, display_name|null, description|null, avatar_url|null, status: active/restricted, is_system: bool,
          created_at}",
    ),
    (
        "MessageContext",
        "{sender: {handle, display_name|null, kind: agent/system},
          conversation: {type: direct/group, group_name|null, member_count|null: int}, mentions: [text],
          trace?: {traceparent, tracestate?}}",
    ),
    (
        "Message",
        "{id: msg_, conversation_id: conv_/grp_, sender, client_msg_id, seq: int, type: text/structured/file/system,
          content: object, metadata: object, context: MessageContext, status: stored/delivered/read, created_at,
          delivered_at|null, read_at|null, expires_at?, expired?: bool}",
    ),
    // Extensions: is_own, sender_handle (wire.md §2), age and redelivery (extensions.md X4).
    (
        "HistoryRow",
        "{..Message, delivery_id|null: del_, is_own: bool, sender_handle, age_ms?: int, redelivered?: bool}",
    ),
    ("SyncRow", "{..Message, delivery_id: del_, is_own: bool, sender_handle, age_ms?: int, redelivered?: bool}"),
    ("Participant", "{handle, display_name|null, avatar_url|null}"),
    (
        "ConversationListItem",
        "{id: conv_/grp_, type: direct/group, participants: [Participant], group_name|null, group_avatar_url|null,
          group_member_count|null: int, last_message_preview|null, last_message_is_own: bool,
          last_message_type|null: text/structured/file/system, last_message_at|null, updated_at, unread_count: int,
          oldest_unread_seq|null: int, newest_unread_seq|null: int, is_muted: bool, notify_level?: all/mentions/none}",
    ),
    (
        "ConversationContext",
        "{conversation_id: conv_/grp_, type: direct/group,
          group|null: {name, description|null, member_count: int, your_role: admin/member},
          counterparty|null: Participant, relationship|null: {is_contact: bool, added_at|null, note|null},
          direct_state|null: {state: cold/established, initiated_by_self: bool, last_message_at|null},
          unread: {count: int, oldest_seq|null: int, newest_seq|null: int}}",
    ),
    (
        "GroupDetail",
        "{id: grp_, name, description|null, avatar_url|null, created_by, settings: {who_can_invite: admin},
          member_count: int, created_at, last_message_at|null,
          members: [{handle, display_name|null, role: admin/member, joined_at}], your_role: admin/member}",
    ),
    (
        "GroupInvitation",
        "{id: inv_, group_id: grp_, group_name, group_description|null, group_avatar_url|null, group_member_count: int,
          inviter_handle, created_at}",
    ),
    ("AddMemberResult", "{handle, outcome: invited/already_member, invite_id?: inv_}"),
    (
        "Contact",
        "{handle, display_name|null, description|null, avatar_url|null, status: active/restricted/suspended/deleted,
          notes|null, added_at}",
    ),
    ("BlockedAgent", "{handle, display_name|null, blocked_at}"),
    (
        "Mute",
        "{muter_agent_id: agt_, target_kind: agent/conversation, target_id, target_handle|null, muted_until|null: time,
          created_at}",
    ),
    ("WebhookEvent", "message.new/message.read/presence.update/contact.blocked/group.invite.received/group.deleted"),
    (
        "Webhook",
        "{id: whk_, url, events: [WebhookEvent], active: bool, created_at, disabled_reason|null: gone,
          circuit: closed/open/half_open}",
    ),
    (
        "Delivery",
        "{id: whd_, webhook_id: whk_, event: WebhookEvent, status: pending/delivering/delivered/failed/dead,
          attempts: int, next_attempt_at|null, last_attempt_at|null, last_status_code|null: int, last_error|null,
          created_at, delivered_at|null, replayed_as|null: whd_}",
    ),
    ("Presence", "{handle, status: online/offline/busy, custom_message|null, last_seen|null: time}"),
    (
        "Escalation",
        "{id: esc_, from_agent_handle, conversation_id: conv_, original_message_id: msg_,
          category: bug/feature/abuse/other, summary, status: open/in_progress/resolved/discarded, created_at,
          resolved_at|null, resolved_by|null, resolution_note|null}",
    ),
    ("Picture", "{avatar_key, avatar_url}"),
    ("Attachment", "{filename, content_type, size: int, sha256}"),
    ("Found", "{message: HistoryRow, snippet, highlights: [[int]]}"),
    // Operator extension, wire.md §22.
    ("OperatorAgent", "{..Agent, undelivered_count: int, sockets: int, last_seen|null: time, owner_email|null}"),
];

#[derive(Debug)]
enum Shape {
    /// A kind, a prefix, a choice of words or the name of an object.
    Word(&'static str),
    List(Box<Shape>),
    Object(Vec<Member>),
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    optional: bool,
    nullable: bool,
    shape: Shape,
}

/// Holds a body against a shape.
///
/// # Panics
/// When it has another.
pub(super) fn check_shape(what: &str, shape: &'static str, body: &Value) {
    if let Err(complaint) = fits(&parse(shape), body, "") {
        panic!("{what}: {complaint}, in {body:#}");
    }
}

fn parse(text: &'static str) -> Shape {
    let mut notation = Notation { rest: text };
    let shape = notation.shape();
    assert!(notation.rest.trim().is_empty(), "cannot read {:?} of {text}", notation.rest);
    shape
}

struct Notation {
    rest: &'static str,
}

impl Notation {
    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        self.rest = rest.strip_prefix(token).unwrap_or(rest);
        self.rest.len() < rest.len()
    }

    fn word(&mut self) -> &'static str {
        let rest = self.rest.trim_start();
        let is_inside = |c: char| c.is_ascii_alphanumeric() || "_/.".contains(c);
        let end = rest.find(|c| !is_inside(c)).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        assert!(!word.is_empty(), "a word is missing before {rest:?}");
        self.rest = rest;
        word
    }

    fn shape(&mut self) -> Shape {
        if self.eat("[") {
            let row = self.shape();
            assert!(self.eat("]"), "a list is open before {:?}", self.rest);
            return Shape::List(Box::new(row));
        }
        if !self.eat("{") {
            return Shape::Word(self.word());
        }
        let mut members = Vec::new();
        while !self.eat("}") {
            if self.eat("..") {
                members.extend(members_of(self.word()));
            } else {
                members.push(self.member());
            }
            self.eat(",");
        }
        Shape::Object(members)
    }

    fn member(&mut self) -> Member {
        let name = self.word();
        let (optional, nullable) = (self.eat("?"), self.eat("|null"));
        let shape = if self.eat(":") { self.shape() } else { Shape::Word(usual(name)) };
        Member { name, optional, nullable, shape }
    }
}

/// What a member is that does not say it.
fn usual(name: &str) -> &'static str {
    match name {
        "ok" => "true",
        name if name.ends_with("_at") => "time",
        _ => "text",
    }
}

fn object(name: &str) -> Shape {
    let found = OBJECTS.iter().find(|(known, _)| *known == name);
    parse(found.unwrap_or_else(|| panic!("there is no object {name}")).1)
}

fn members_of(name: &str) -> Vec<Member> {
    match object(name) {
        Shape::Object(members) => members,
        other => panic!("{name} has no members: {other:?}"),
    }
}

fn fits(shape: &Shape, value: &Value, at: &str) -> Result<(), String> {
    match shape {
        Shape::Object(members) => {
            let given = value.as_object().ok_or_else(|| format!("{at} is no object"))?;
            object_fits(members, given, at)
        }
        Shape::List(row) => {
            let rows = value.as_array().ok_or_else(|| format!("{at} is no list"))?;
            rows.iter().enumerate().try_for_each(|(index, value)| fits(row, value, &format!("{at}/{index}")))
        }
        Shape::Word(name) if name.starts_with(char::is_uppercase) => fits(&object(name), value, at),
        Shape::Word(word) if word_fits(word, value) => Ok(()),
        Shape::Word(word) => Err(format!("{at} is no {word}")),
    }
}

fn object_fits(members: &[Member], given: &Map<String, Value>, at: &str) -> Result<(), String> {
    if let Some(extra) = given.keys().find(|name| members.iter().all(|member| member.name != name.as_str())) {
        return Err(format!("{at}/{extra} is not documented"));
    }
    for member in members {
        let at = format!("{at}/{}", member.name);
        match given.get(member.name) {
            None if member.optional => {}
            None => return Err(format!("{at} is missing")),
            Some(Value::Null) if member.nullable => {}
            Some(value) => fits(&member.shape, value, &at)?,
        }
    }
    Ok(())
}

fn word_fits(word: &str, value: &Value) -> bool {
    match word {
        "text" => value.is_string(),
        "int" => value.as_u64().is_some_and(|number| number < 1 << 53),
        "bool" => value.is_boolean(),
        "true" => *value == Value::Bool(true),
        "object" => value.is_object(),
        "time" => value.as_str().is_some_and(is_time),
        words => value.as_str().is_some_and(|text| words.split('/').any(|word| is_word(word, text))),
    }
}

/// A word itself, or an id with this prefix.
fn is_word(word: &str, text: &str) -> bool {
    match (word.strip_suffix('_'), text.strip_prefix(word)) {
        (Some("del"), Some(id)) => id.len() == 32 && id.bytes().all(|byte| b"0123456789abcdef".contains(&byte)),
        (Some(_), Some(id)) => {
            id.len() == 26 && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        }
        _ => word == text,
    }
}

/// wire.md §1.6: exactly three fractional digits and `Z`.
fn is_time(text: &str) -> bool {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    form == "0000-00-00T00:00:00.000Z"
}

#[test]
fn a_shape_is_exact() {
    use serde_json::json;

    let shape = parse("{handle, notes|null, added_at, more?: [int]}");
    let fitting = json!({ "handle": "bob", "notes": null, "added_at": "2026-01-15T09:30:00.000Z" });
    assert_eq!(fits(&shape, &fitting, ""), Ok(()));
    for (pointer, value, complaint) in [
        ("handle", json!(null), "/handle is no text"),
        ("notes", json!(1), "/notes is no text"),
        ("added_at", json!("2026-01-15T09:30:00Z"), "/added_at is no time"),
        ("more", json!([1, "2"]), "/more/1 is no int"),
        ("else", json!(1), "/else is not documented"),
    ] {
        let mut wrong = fitting.clone();
        wrong[pointer] = value;
        assert_eq!(fits(&shape, &wrong, ""), Err(complaint.to_owned()));
    }
    let missing = json!({ "handle": "bob", "added_at": "2026-01-15T09:30:00.000Z" });
    assert_eq!(fits(&shape, &missing, ""), Err("/notes is missing".to_owned()));
}
