//! The index as the store keeps it: joined groups, removal, and a file that is lost.

use agentchat_core::search::{PlanSearch, Query, ShowFound};
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store::key::MessageKey;
use agentchat_store::search::{Indexed, Lookup};
use agentchat_store_test::store_test;

use crate::world::{Agent, World, code, texts};

impl World {
    async fn index(&self) {
        while self.store.index_some().await.expect("the index takes messages in") != Indexed::default() {}
        assert_eq!(self.store.unindexed().await.expect("a count"), 0);
        let commits = self.store.stats().commits;
        assert_eq!(self.store.index_some().await.expect("nothing waits"), Indexed::default());
        assert_eq!(self.store.stats().commits, commits, "what finds nothing is no commit");
    }

    async fn candidates(&self, agent: &Agent, query: &str) -> Vec<MessageKey> {
        let plan = PlanSearch { viewer: agent.key, conversation: None, from: None, after: None, before: None };
        let plan = self.store.read(plan).await.expect("a plan").expect("somewhere to look");
        let query = Query::parse(query).expect("a query");
        let (above, below) = (plan.above, plan.below);
        let (words, without, places) = (query.words(), query.without(), plan.places(below));
        let lookup = Lookup { words, without, places, sender: plan.sender, above, below, limit: 1000 };
        self.store.look_up(lookup).await.expect("an answer")
    }

    async fn search(&self, agent: &Agent, query: &str) -> Vec<String> {
        let candidates = self.candidates(agent, query).await;
        let query = Query::parse(query).expect("a query");
        let (viewer, keys, now) = (agent.key, self.keys(), self.now());
        let show = ShowFound { viewer, candidates, query, after: None, before: None, most: 1000, keys, now };
        let shown = self.store.read(show).await.expect("what was found");
        texts(&shown.into_iter().map(|one| one.found.message).collect::<Vec<_>>())
    }
}

/// Whether a text is to be found.
type Holds<'a> = &'a dyn Fn(&str) -> bool;

#[store_test]
async fn a_member_finds_what_was_said_since_it_came(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let carol = world.agent("carol").await;
    let group = world.group(&[&alice, &bob]).await;
    world.speak(&alice, group, "harbour before").await;
    world.bring(&alice, group, &carol).await;
    world.speak(&bob, group, "harbour after").await;
    world.index().await;
    assert_eq!(world.search(&alice, "harbour").await, ["harbour after", "harbour before"]);
    assert_eq!(world.search(&carol, "harbour").await, ["harbour after"]);
    world.try_kick(&alice, group, "bob").await.expect("kicked");
    world.index().await;
    assert!(world.search(&bob, "harbour").await.is_empty(), "who left finds nothing any more");
    assert_eq!(world.search(&carol, "member_removed").await.len(), 1, "what happened is found too");
}

#[store_test]
async fn a_group_that_was_deleted_is_not_found(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let group = world.group(&[&alice, &bob]).await;
    world.speak(&bob, group, "harbour of all").await;
    world.say(&alice, &bob, "harbour of two").await;
    world.index().await;
    assert_eq!(world.search(&alice, "harbour").await, ["harbour of two", "harbour of all"]);
    world.speak(&bob, group, "harbour at the end").await;
    world.try_end(&alice, group).await.expect("ended");
    for agent in [&alice, &bob] {
        // Before what was said last is indexed, and afterwards.
        assert_eq!(world.search(agent, "harbour").await, ["harbour of two"]);
        world.index().await;
        assert_eq!(world.search(agent, "harbour").await, ["harbour of two"]);
        let (viewer, conversation) = (agent.key, Some(group));
        let plan = PlanSearch { viewer, conversation, from: None, after: None, before: None };
        assert_eq!(code(world.store.read(plan).await), ErrorCode::GroupDeleted, "as on every route that names it");
    }
}

#[store_test]
async fn what_is_taken_out_is_not_found(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.say(&alice, &bob, "harbour one").await;
    world.index().await;
    let one = world.candidates(&alice, "harbour").await;
    world.say(&alice, &bob, "harbour two").await;
    // The second is not in the index yet, and shall not come into it.
    world.store.unindex(vec![one[0], MessageKey(one[0].0 + 1)]).await.expect("taken out");
    world.say(&alice, &bob, "harbour three").await;
    world.index().await;
    assert_eq!(world.search(&bob, "harbour").await, ["harbour three"]);
}

/// Every word of a small language in every message, or not: what is found is what a look at all of them finds.
#[store_test]
async fn what_is_found_is_what_is_there(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let vocabulary = ["red", "RÉD", "reddish", "blue", "東京", "foo-bar", "bar"];
    let mut said = Vec::new();
    for number in 0_usize..60 {
        let word = |shift: usize| vocabulary[(number * 5 + number / 7 + shift * shift) % vocabulary.len()];
        let text = format!("{} {}, {} m{number}", word(0), word(1), word(2));
        world.say(&alice, &bob, &text).await;
        said.insert(0, text);
    }
    world.index().await;
    let divide = |text: &str| agentchat_store::search::words(text);
    let one = |text: &str, word: &str| divide(text).iter().any(|found| found == word);
    let side = |text: &str, pair: [&str; 2]| divide(text).windows(2).any(|found| found == pair);
    let cases: [(&str, Holds<'_>); 7] = [
        ("red", &|text| one(text, "red")),
        ("red blue", &|text| one(text, "red") && one(text, "blue")),
        ("bar -red", &|text| one(text, "bar") && !one(text, "red")),
        ("redd*", &|text| one(text, "reddish")),
        ("foo-bar", &|text| side(text, ["foo", "bar"])),
        ("\"red bar\"", &|text| side(text, ["red", "bar"])),
        ("東京 -blue", &|text| side(text, ["東", "京"]) && !one(text, "blue")),
    ];
    for (query, holds) in cases {
        let expected: Vec<&String> = said.iter().filter(|text| holds(text)).collect();
        assert_eq!(world.search(&bob, query).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
}
