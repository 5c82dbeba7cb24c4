//! `GET /v1/search`: words in messages the caller may see.

use agentchat_core::search::{FoundMessage, PlanSearch, Query as Words, SearchPlan, ShowFound};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::search::{Found, SearchPage};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::validate::{FieldErrors, REQUIRED};
use agentchat_store::key::{AgentKey, MessageKey};
use agentchat_store::search::Lookup;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::messages::conversation_id;
use crate::app::App;
use crate::error::Result;
use crate::extract::{Caller, Query};
use crate::limits::Policy;

const PAGE: u64 = 20;
const MOST: u64 = 50;
const LONGEST: usize = 200;
/// Messages looked at in one read, so that none pins the store's log for long.
const CANDIDATES: usize = 64;
/// Reads of one request; after them the page ends, full or not.
const ROUNDS: usize = 16;
/// Places the index is asked about at once.
const PLACES: usize = 500;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search))
}

/// Messages that hold all the words, newest first.
#[utoipa::path(get, path = "/v1/search", tag = "search", security(("api_key" = [])),
    params(("q" = String, Query), ("conversation_id" = Option<String>, Query), ("from" = Option<String>, Query),
        ("after" = Option<String>, Query), ("before" = Option<String>, Query), ("limit" = Option<u64>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = SearchPage)))]
async fn search(State(app): State<App>, Caller(caller): Caller, query: Query) -> Result<Json<SearchPage>> {
    let search = Search::read(&app, caller.key, &query)?;
    app.limit_agent(Policy::Search, caller.key)?;
    Ok(Json(search.run(&app).await?))
}

struct Search {
    words: Words,
    plan: PlanSearch,
    limit: usize,
    below: Option<MessageKey>,
}

impl Search {
    fn read(app: &App, viewer: AgentKey, query: &Query) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let words = read_words(query, &mut errors);
        let limit = query.limit(MOST, PAGE, &mut errors);
        let (after, before) = (time(query, "after", &mut errors), time(query, "before", &mut errors));
        let from = query.text("from").map(Handle::parse);
        if from.as_ref().is_some_and(Result::is_err) {
            errors.field("from", "Not a handle");
        }
        let below = query.text("cursor").map(|text| app.keys.open(viewer.0, text).map(MessageKey));
        if below == Some(None) {
            errors.field("cursor", "Not a cursor of this search");
        }
        let words = match words {
            Some(words) if errors.is_empty() => words,
            _ => return Err(errors.into()),
        };
        let conversation = query.text("conversation_id").map(conversation_id);
        let plan = PlanSearch { viewer, conversation, from: from.and_then(Result::ok), after, before };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(Self { words, plan, limit, below: below.flatten() })
    }

    async fn run(self, app: &App) -> Result<SearchPage> {
        let mut page = Vec::new();
        let mut next = None;
        if let Some(plan) = app.store.read(self.plan.clone()).await? {
            next = self.fill(app, &plan, &mut page).await?;
        }
        let items: Vec<Found> = page.into_iter().map(|one: FoundMessage| one.found).collect();
        let next_cursor = next.map(|key: MessageKey| app.keys.seal(self.plan.viewer.0, key.0));
        Ok(SearchPage { items, next_cursor })
    }

    /// Goes down the keys until the page is full, nothing is left, or it was enough for one request; answers where the
    /// next page begins.
    async fn fill(&self, app: &App, plan: &SearchPlan, page: &mut Vec<FoundMessage>) -> Result<Option<MessageKey>> {
        let mut below = self.below.map_or(plan.below, |cursor| cursor.min(plan.below));
        for _ in 0..ROUNDS {
            let above = MessageKey(below.0.saturating_sub(plan.step).max(plan.above.0));
            let candidates = self.candidates(app, plan, above, below).await?;
            let last = candidates.last().copied();
            let exhausted = candidates.len() < CANDIDATES;
            page.extend(app.store.read(self.show(app, candidates, self.limit + 1 - page.len())).await?);
            if page.len() > self.limit {
                page.truncate(self.limit);
                return Ok(page.last().map(|one| one.key));
            }
            if exhausted && above <= plan.above {
                return Ok(None);
            }
            below = if exhausted { MessageKey(above.0 + 1) } else { last.unwrap_or(above) };
        }
        Ok(Some(below))
    }

    /// The newest messages between two that the index finds, [`CANDIDATES`] at the most.
    async fn candidates(
        &self,
        app: &App,
        plan: &SearchPlan,
        above: MessageKey,
        below: MessageKey,
    ) -> Result<Vec<MessageKey>> {
        let mut found = Vec::new();
        for places in plan.places(below).chunks(PLACES) {
            let lookup = Lookup {
                words: self.words.words(),
                without: self.words.without(),
                places: places.to_vec(),
                sender: plan.sender,
                above,
                below,
                limit: CANDIDATES,
            };
            found.extend(app.store.look_up(lookup).await.map_err(agentchat_core::Error::from)?);
        }
        found.sort_unstable_by_key(|key| std::cmp::Reverse(*key));
        found.dedup();
        found.truncate(CANDIDATES);
        Ok(found)
    }

    fn show(&self, app: &App, candidates: Vec<MessageKey>, most: usize) -> ShowFound {
        let PlanSearch { viewer, after, before, .. } = self.plan;
        let (query, keys, now) = (self.words.clone(), app.keys.clone(), app.clock.now());
        ShowFound { viewer, candidates, query, after, before, most, keys, now }
    }
}

fn read_words(query: &Query, errors: &mut FieldErrors) -> Option<Words> {
    let text = query.text("q").unwrap_or_default();
    let words = match text.chars().count() {
        0 => Err(REQUIRED),
        length if length > LONGEST => Err("Too long"),
        _ => Words::parse(text),
    };
    words.map_err(|problem| errors.field("q", problem).is_empty()).ok()
}

fn time(query: &Query, name: &str, errors: &mut FieldErrors) -> Option<Timestamp> {
    let time = query.text(name)?.parse();
    if time.is_err() {
        errors.field(name, "Expected an RFC 3339 time");
    }
    time.ok()
}
