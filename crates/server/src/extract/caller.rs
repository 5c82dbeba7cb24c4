//! Agent authentication: `Authorization: Bearer ac_live_…`, in the order of wire.md §1.8.

use std::ops::Deref;
use std::sync::Arc;

use agentchat_core::accounts::{self, Authenticate};
use agentchat_core::idempotency::{Answer, Answered, CallerKind, IdempotencyScope, WithAnswer};
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Write;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::Serialize;
use serde_json::json;

use super::body::check_size;
use crate::app::App;
use crate::callers::KeyHash;
use crate::error::{AppError, Result};
use crate::limits::Policy;
use crate::{enforcement, idempotency};

/// An agent that is not suspended, after its `Idempotency-Key` and policy `api`.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Arc<accounts::Caller>);

/// As [`Caller`], but a suspended agent passes: for `GET /v1/agents/me`.
#[derive(Debug, Clone)]
pub(crate) struct AnyCaller(pub(crate) Arc<accounts::Caller>);

/// As [`Caller`], without policy `api`: for `POST /v1/messages` and socket upgrades.
#[derive(Debug, Clone)]
pub(crate) struct UnmeteredCaller(pub(crate) Arc<accounts::Caller>);

impl Caller {
    /// Runs an operation of this caller that changes something and answers with what `render` makes of its result;
    /// `then` runs before that, in commit order, and must be quick: it tells who listens.
    ///
    /// Every operation that is all a request does goes this way, so that what a request under an `Idempotency-Key`
    /// was answered is kept in the transaction that made it true.
    pub(crate) async fn commit<W, B>(
        &self,
        app: &App,
        operation: W,
        render: impl Fn(&W::Out) -> (StatusCode, B) + Send + Sync + 'static,
        then: impl FnOnce(&App, &W::Out) + Send + 'static,
    ) -> Result<Response>
    where
        W: Write<Error = agentchat_core::Error>,
        B: Serialize,
    {
        let shared = app.clone();
        let Some(keyed) = idempotency::current() else {
            let tell = move |answer: &Result<W::Out, agentchat_core::Error>| {
                if let Ok(out) = answer {
                    then(&shared, out);
                }
            };
            let (status, body) = render(&app.store.write_then(operation, tell).await?);
            return Ok((status, Json(body)).into_response());
        };
        let render = move |out: &W::Out| {
            let (status, body) = render(out);
            Answer::json(status.as_u16(), &body)
        };
        let tell = move |answer: &Result<Answered<W::Out>, agentchat_core::Error>| {
            if let Ok(answered) = answer {
                then(&shared, &answered.out);
            }
        };
        let operation = WithAnswer { operation, render, keyed, now: app.clock.now() };
        let Answered { answer, .. } = app.store.write_then(operation, tell).await?;
        Ok(idempotency::respond_kept(answer))
    }
}

impl FromRequestParts<App> for UnmeteredCaller {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let caller = identify(parts, app).await?;
        refuse_suspended(&caller)?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let UnmeteredCaller(caller) = UnmeteredCaller::from_request_parts(parts, app).await?;
        idempotency::enter(app, IdempotencyScope { kind: CallerKind::Agent, caller: caller.key.0 }).await?;
        app.limit_agent(Policy::Api, caller.key)?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<App> for AnyCaller {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let caller = identify(parts, app).await?;
        app.limit_agent(Policy::Api, caller.key)?;
        Ok(Self(caller))
    }
}

impl Deref for Caller {
    type Target = Arc<accounts::Caller>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Deref for AnyCaller {
    type Target = Arc<accounts::Caller>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Deref for UnmeteredCaller {
    type Target = Arc<accounts::Caller>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The token of a `Bearer` header: the scheme in any case, exactly one space, nothing else.
pub(crate) fn bearer(headers: &http::HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let lone = values.next().is_none() && !token.is_empty() && !token.contains(' ');
    (lone && scheme.eq_ignore_ascii_case("bearer")).then_some(token)
}

/// The agent of an API key, suspended ones included; `None` for a key that opens nothing.
/// Shared by the header and by HELLO.
pub(crate) async fn authenticate(app: &App, key: &str) -> Result<Option<Arc<accounts::Caller>>> {
    if !ApiKey::checksum_ok(key) {
        return Ok(None);
    }
    let hash = hash_key(key);
    match find(app, hash).await? {
        // It may be another by now, or no longer be.
        Some(caller) if enforcement::review(app, &caller).await => find(app, hash).await,
        found => Ok(found),
    }
}

async fn find(app: &App, hash: KeyHash) -> Result<Option<Arc<accounts::Caller>>> {
    if let Some(caller) = app.callers.get(&hash) {
        return Ok(Some(caller));
    }
    let as_of = app.callers.as_of();
    let found = app.store.read(Authenticate { key_hash: hash }).await?;
    Ok(found.map(|caller| {
        let caller = Arc::new(caller);
        app.callers.remember(as_of, hash, Arc::clone(&caller));
        caller
    }))
}

async fn identify(parts: &Parts, app: &App) -> Result<Arc<accounts::Caller>> {
    check_size(parts, app)?;
    let key = bearer(&parts.headers).ok_or_else(AppError::unauthorized)?;
    authenticate(app, key).await?.ok_or_else(AppError::unauthorized)
}

fn refuse_suspended(caller: &accounts::Caller) -> Result<()> {
    if caller.status != AgentStatus::Suspended {
        return Ok(());
    }
    Err(AppError::new(ErrorCode::Suspended, "This account is suspended")
        .with_details(json!({ "reason": "community_enforcement" })))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::bearer;

    fn token(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("authorization", value.parse().unwrap());
        }
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn a_bearer_has_one_space_and_a_scheme_in_any_case() {
        assert_eq!(token(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(token(&["bEARER abc"]).as_deref(), Some("abc"));
        for refused in ["Bearer", "Bearer ", "Bearer  abc", "Bearer abc def", "Basic abc", "abc"] {
            assert_eq!(token(&[refused]), None, "{refused}");
        }
        assert_eq!(token(&[]), None);
        assert_eq!(token(&["Bearer abc", "Bearer def"]), None);
    }
}
