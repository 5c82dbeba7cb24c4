//! The rules of a send request once more, slowly, over serde_json: what the scanner is compared with.

use std::fmt;

use agentchat_protocol::id::{ConversationId, ConversationKind};
use agentchat_protocol::mentions;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// What both must agree on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Invalid,
    TooLarge(usize),
    Accepted(Box<Accepted>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) to: Option<String>,
    pub(crate) conversation_id: Option<String>,
    pub(crate) client_msg_id: Option<String>,
    pub(crate) kind: String,
    pub(crate) content: String,
    pub(crate) metadata: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) attachment_id: Option<String>,
    pub(crate) size: usize,
    pub(crate) hash: Vec<u8>,
    pub(crate) mentions: Vec<String>,
}

struct Pairs(Vec<(Box<RawValue>, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A JSON value that keeps literals as received.
#[derive(Debug, Clone)]
enum Node {
    Scalar(String),
    List(Vec<Node>),
    /// The decoded key, the key as received, the value; of equal keys only the last.
    Map(Vec<(String, String, Node)>),
}

fn decoded(raw: &str) -> Option<String> {
    serde_json::from_str::<String>(raw).ok().filter(|text| !text.contains('\0'))
}

fn node(raw: &str) -> Option<Node> {
    match raw.as_bytes().first()? {
        b'{' => {
            let mut members: Vec<(String, String, Node)> = Vec::new();
            for (key, value) in serde_json::from_str::<Pairs>(raw).ok()?.0 {
                let name = decoded(key.get())?;
                members.retain(|(other, _, _)| *other != name);
                members.push((name, key.get().to_owned(), node(value.get())?));
            }
            Some(Node::Map(members))
        }
        b'[' => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(raw).ok()?;
            items.iter().map(|item| node(item.get())).collect::<Option<_>>().map(Node::List)
        }
        b'"' => decoded(raw).map(|_| Node::Scalar(raw.to_owned())),
        _ => Some(Node::Scalar(raw.to_owned())),
    }
}

/// Levels as received, before duplicates are dropped.
fn depth(raw: &str) -> usize {
    match raw.as_bytes()[0] {
        b'{' => {
            1 + serde_json::from_str::<Pairs>(raw)
                .unwrap()
                .0
                .iter()
                .map(|(_, value)| depth(value.get()))
                .max()
                .unwrap_or(0)
        }
        b'[' => {
            1 + serde_json::from_str::<Vec<Box<RawValue>>>(raw)
                .unwrap()
                .iter()
                .map(|item| depth(item.get()))
                .max()
                .unwrap_or(0)
        }
        _ => 0,
    }
}

impl Node {
    fn write(&self, sorted: bool) -> String {
        match self {
            Self::Scalar(raw) => raw.clone(),
            Self::List(items) => {
                format!("[{}]", items.iter().map(|item| item.write(sorted)).collect::<Vec<_>>().join(","))
            }
            Self::Map(members) => {
                let mut members: Vec<&(String, String, Node)> = members.iter().collect();
                if sorted {
                    members.sort_by(|a, b| a.0.cmp(&b.0));
                }
                let parts: Vec<String> =
                    members.iter().map(|(_, key, value)| format!("{key}:{}", value.write(sorted))).collect();
                format!("{{{}}}", parts.join(","))
            }
        }
    }

    fn get(&self, name: &str) -> Option<&Node> {
        let Self::Map(members) = self else { return None };
        members.iter().find(|(key, _, _)| key == name).map(|(_, _, value)| value).filter(|value| !value.is_null())
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(raw) if raw == "null")
    }

    fn string(&self) -> Option<String> {
        match self {
            Self::Scalar(raw) if raw.starts_with('"') => decoded(raw),
            _ => None,
        }
    }
}

/// The last raw value of a top-level key.
fn raw_member(body: &str, name: &str) -> Option<String> {
    let pairs = serde_json::from_str::<Pairs>(body).ok()?.0;
    pairs
        .iter()
        .rev()
        .find(|(key, _)| decoded(key.get()).as_deref() == Some(name))
        .map(|(_, value)| value.get().to_owned())
}

pub(crate) fn read(body: &[u8], limit: usize) -> Outcome {
    match considered(body) {
        None => Outcome::Invalid,
        Some(accepted) if accepted.size > limit => Outcome::TooLarge(accepted.size),
        Some(accepted) => Outcome::Accepted(Box::new(accepted)),
    }
}

fn considered(body: &[u8]) -> Option<Accepted> {
    let body = std::str::from_utf8(body).ok()?;
    let raw: &RawValue = serde_json::from_str(body).ok()?;
    let whole = node(raw.get()).filter(|node| matches!(node, Node::Map(_)))?;
    let string = |name: &str| match whole.get(name) {
        None => Some(None),
        Some(value) => value.string().map(Some),
    };
    let to = string("to")?;
    let conversation_id = string("conversation_id")?;
    if to.is_some() == conversation_id.is_some() {
        return None;
    }
    let conversation_id = match conversation_id {
        Some(id) => Some(known_or_nowhere(&id)?),
        None => None,
    };
    let client_msg_id = string("client_msg_id")?;
    let printable = |id: &String| !id.is_empty() && id.chars().count() <= 128 && !id.chars().any(char::is_control);
    if client_msg_id.iter().any(|id| !printable(id) || id.starts_with("sys_")) {
        return None;
    }
    string("request_id")?.iter().all(printable).then_some(())?;
    let kind = string("type")?.unwrap_or("text".into());
    if !["text", "structured", "file"].contains(&kind.as_str()) {
        return None;
    }
    let content = kept(whole.get("content")?)?;
    let shallow = |name: &str| raw_member(raw.get(), name).is_none_or(|value| depth(&value) <= 64);
    if !shallow("content") || !shallow("metadata") {
        return None;
    }
    let metadata = match whole.get("metadata") {
        None => None,
        Some(map @ Node::Map(_)) => Some(map.clone()),
        Some(_) => return None,
    };
    let text = content.get("text").and_then(Node::string);
    let canonical_metadata = metadata.as_ref().map_or("{}".into(), |metadata| metadata.write(true));
    let canonical = format!(r#"{{"content":{},"metadata":{canonical_metadata},"type":"{kind}"}}"#, content.write(true));
    let (attachment_id, content) = (content.get("attachment_id").and_then(Node::string), content.write(false));
    let metadata = metadata.map(|metadata| metadata.write(false));
    Some(Accepted {
        to,
        conversation_id,
        client_msg_id,
        kind,
        size: content.len() + metadata.as_ref().map_or(0, String::len),
        mentions: text
            .as_deref()
            .map(mentions::find)
            .unwrap_or_default()
            .iter()
            .map(|handle| handle.to_string())
            .collect(),
        content,
        metadata,
        text,
        attachment_id,
        hash: Sha256::digest(canonical.as_bytes()).to_vec(),
    })
}

/// A right prefix is enough to name a conversation, if only one that is nowhere.
fn known_or_nowhere(id: &str) -> Option<String> {
    let kind = match id.split_once('_')?.0 {
        "grp" => ConversationKind::Group,
        "conv" => ConversationKind::Direct,
        _ => return None,
    };
    let id = id.parse::<ConversationId>().unwrap_or(ConversationId::nowhere(kind));
    Some(id.to_string())
}

/// The known members of content, if they have the right types and there is one.
fn kept(content: &Node) -> Option<Node> {
    let Node::Map(members) = content else { return None };
    let mut kept = Vec::new();
    for (name, key, value) in members {
        let right = match name.as_str() {
            _ if value.is_null() => continue,
            "text" | "attachment_id" => value.string().is_some(),
            "data" => matches!(value, Node::Map(_)),
            _ => continue,
        };
        right.then_some(())?;
        kept.push((name.clone(), key.clone(), value.clone()));
    }
    (!kept.is_empty()).then_some(Node::Map(kept))
}
