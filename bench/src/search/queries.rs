//! What is asked for, and how long each answer takes.

use std::net::SocketAddr;
use std::time::Instant;

use agentchat_protocol::timestamp::Timestamp;
use anyhow::Context;
use rand::Rng;
use rand::rngs::StdRng;
use serde::Serialize;
use serde_json::Value;

use super::seed::Seeded;
use super::vocabulary::{Vocabulary, WORDS};
use crate::direct::outcome::Latency;
use crate::setup::Caller;

/// A kind of query, and what it came to.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// Which kind.
    pub query: &'static str,
    /// How often it was asked.
    pub queries: usize,
    /// Messages on a first page, on average.
    pub found: f64,
    /// Request to answer.
    pub answer_us: Latency,
}

/// What queries are made of.
pub(super) struct Source<'a> {
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) seeded: &'a Seeded,
}

type Make = fn(&Source<'_>, &mut StdRng) -> String;

/// Ranks of words that stand in every tenth message or so, in some of a thousand, and in a few of all.
const COMMON: std::ops::Range<usize> = 0..20;
const MIDDLE: std::ops::Range<usize> = 200..2_000;
const RARE: std::ops::Range<usize> = 20_000..WORDS;

const KINDS: [(&str, Make); 11] = [
    ("rare word", |source, random| format!("q={}", source.word(random, RARE))),
    ("word in some of a thousand", |source, random| format!("q={}", source.word(random, MIDDLE))),
    ("common word", |source, random| format!("q={}", source.word(random, COMMON))),
    ("no such word", |source, random| format!("q={}xq", source.word(random, RARE))),
    ("two words", |source, random| format!("q={}+{}", source.word(random, COMMON), source.word(random, MIDDLE))),
    ("common, without another", |source, random| {
        format!("q={}+-{}", source.word(random, COMMON), source.word(random, COMMON.end..100))
    }),
    ("phrase", |source, random| format!("q=%22{}%22", source.phrase(random))),
    ("prefix", |source, random| format!("q={}*", source.prefix(random))),
    ("in a conversation", |source, random| {
        let conversation = pick(&source.seeded.conversations, random);
        format!("q={}&conversation_id={conversation}", source.word(random, MIDDLE))
    }),
    ("from somebody", |source, random| {
        format!("q={}&from={}", source.word(random, MIDDLE), pick(&source.seeded.others, random))
    }),
    ("between two dates", |source, random| {
        let (after, before) = source.tenth(random);
        format!("q={}&after={after}&before={before}", source.word(random, MIDDLE))
    }),
];

/// Asks so often for each kind, one query after the other.
pub(super) async fn ask(
    source: &Source<'_>,
    address: SocketAddr,
    queries: usize,
    random: &mut StdRng,
) -> anyhow::Result<Vec<Asked>> {
    let mut caller = Caller::open(address).await?;
    let mut all = Vec::with_capacity(KINDS.len());
    for (query, make) in KINDS {
        let (mut samples, mut found) = (Vec::with_capacity(queries), 0);
        for _ in 0..queries {
            let path = format!("/v1/search?{}", make(source, random));
            let began = Instant::now();
            let page = caller.call("GET", &path, &source.seeded.key, &Value::Null).await?;
            samples.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
            found += page["items"].as_array().with_context(|| format!("{path}: no items"))?.len();
        }
        let found = found as f64 / queries.max(1) as f64;
        all.push(Asked { query, queries, found, answer_us: Latency::of(samples) });
    }
    Ok(all)
}

impl Source<'_> {
    fn word(&self, random: &mut StdRng, ranks: std::ops::Range<usize>) -> &str {
        self.vocabulary.word(random.random_range(ranks))
    }

    /// The beginning of a word, of one to four letters.
    fn prefix(&self, random: &mut StdRng) -> &str {
        let word = self.word(random, MIDDLE);
        &word[..word.len().min(random.random_range(1..=4))]
    }

    /// Two words that stand side by side in some message.
    fn phrase(&self, random: &mut StdRng) -> String {
        let words: Vec<&str> = pick(&self.seeded.texts, random).split(' ').collect();
        let at = random.random_range(0..words.len() - 1);
        format!("{}+{}", words[at], words[at + 1])
    }

    /// A tenth of the time in which was written.
    fn tenth(&self, random: &mut StdRng) -> (Timestamp, Timestamp) {
        let (first, last) = self.seeded.times;
        let tenth = (last.as_millis() - first.as_millis()) / 10;
        let after = first.as_millis() + random.random_range(0..=tenth * 9);
        (Timestamp::from_millis(after), Timestamp::from_millis(after + tenth))
    }
}

fn pick<'a, T>(list: &'a [T], random: &mut StdRng) -> &'a T {
    &list[random.random_range(0..list.len())]
}
