//! `/v1/register`, `/v1/agents/recover`, `/v1/agents/{handle}/rotate-key`: how agents come by a key.

use agentchat_core::accounts::{
    BeginRecovery, BeginRegistration, BeginRotation, Challenge, Code, CodeRules, CountTry, Counted, EmailCaps, Flow,
    NewAccount, Recovery, ReleaseSlot, VerifyRecovery, VerifyRegistration, VerifyRotation,
};
use agentchat_core::{Error, accounts};
use agentchat_protocol::account::{PendingCode, Recovered, Registered, RotatedKey};
use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::email::Email;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{AgentId, PendingId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::validate::{FieldErrors, Object};
use agentchat_store::key::AgentKey;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::chatfather;
use crate::error::{AppError, Result};
use crate::extract::{Body, Caller, ClientIp, PathText};
use crate::limits::Policy;
use crate::mail::code_mail;
use crate::realtime::Control;

const SENT: &str = "Verification code sent to email";
const SENT_IF_KNOWN: &str = "If this e-mail backs an agent, a verification code was sent to it";
const RECOVERED: &str = "API key replaced";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(register_verify))
        .routes(routes!(recover))
        .routes(routes!(recover_verify))
        .routes(routes!(rotate))
        .routes(routes!(rotate_verify))
}

/// Starts a registration: mails a code that proves the e-mail.
#[utoipa::path(post, path = "/v1/register", tag = "accounts",
    request_body(content_type = "application/json", description = "email, handle, display_name?, description?"),
    responses((status = 200, body = PendingCode)))]
async fn register(State(app): State<App>, client: ClientIp, Body(body): Body) -> Result<Json<PendingCode>> {
    app.limit_ip(Policy::Register, &client).await?;
    let account = NewAccount::parse(&body, app.limits.texts())?;
    let email = account.email.clone();
    let (now, rules, caps) = (app.clock.now(), code_rules(&app), email_caps(&app));
    let challenge = draw_challenge(&app, now);
    let begin = BeginRegistration { account, challenge: challenge.clone(), caps, rules, now };
    app.store.write(begin).await?;
    mail_or_release(&app, Flow::Register, &challenge, email).await?;
    Ok(pending(&challenge, SENT))
}

/// Makes the account of a registration whose code is right.
#[utoipa::path(post, path = "/v1/register/verify", tag = "accounts",
    request_body(content_type = "application/json", description = "pending_id, code"),
    responses((status = 201, body = Registered)))]
async fn register_verify(
    State(app): State<App>,
    client: ClientIp,
    Body(body): Body,
) -> Result<(StatusCode, Json<Registered>)> {
    app.limit_ip(Policy::RegisterVerify, &client).await?;
    let attempt = Attempt::parse(&body)?;
    let now = app.clock.now();
    let counted = attempt.count(&app, Flow::Register, None, now).await?;
    let api_key = draw_key(&app);
    let verify = VerifyRegistration {
        counted,
        code: attempt.code,
        code_key: app.codes.clone(),
        id: AgentId::from_bytes(app.entropy.uuid_v7(now)),
        key_hash: hash_key(api_key.expose()),
        caps: email_caps(&app),
        now,
    };
    let accounts::Registered { agent, .. } = app.store.write_then(verify, welcomed(&app)).await?;
    Ok((StatusCode::CREATED, Json(Registered { agent, api_key: api_key.expose().to_owned() })))
}

/// Starts the recovery of a lost key. The answer is the same whether there is anything to recover.
#[utoipa::path(post, path = "/v1/agents/recover", tag = "accounts",
    request_body(content_type = "application/json", description = "email, handle?"),
    responses((status = 200, body = PendingCode)))]
async fn recover(State(app): State<App>, client: ClientIp, Body(body): Body) -> Result<Json<PendingCode>> {
    app.limit_ip(Policy::Recover, &client).await?;
    let (email, handle) = lost_account(&body)?;
    let now = app.clock.now();
    let challenge = draw_challenge(&app, now);
    let begin =
        BeginRecovery { email: email.clone(), handle, challenge: challenge.clone(), rules: code_rules(&app), now };
    let hit = app.store.write(begin).await?;
    mail_later(&app, Flow::Recover, hit, &challenge, email);
    Ok(pending(&challenge, SENT_IF_KNOWN))
}

/// Replaces the key of the agent whose recovery code is right.
#[utoipa::path(post, path = "/v1/agents/recover/verify", tag = "accounts",
    request_body(content_type = "application/json", description = "pending_id, code"),
    responses((status = 200, body = Recovered)))]
async fn recover_verify(State(app): State<App>, client: ClientIp, Body(body): Body) -> Result<Json<Recovered>> {
    app.limit_ip(Policy::RecoverVerify, &client).await?;
    let attempt = Attempt::parse(&body)?;
    let now = app.clock.now();
    let counted = attempt.count(&app, Flow::Recover, None, now).await?;
    let api_key = draw_key(&app);
    let verify = VerifyRecovery {
        counted,
        code: attempt.code,
        code_key: app.codes.clone(),
        key_hash: hash_key(api_key.expose()),
        event: app.entropy.uuid_v7(now),
        now,
    };
    let shared = app.clone();
    let outcome = app
        .store
        .write_then(verify, move |outcome| {
            if let Ok(Recovery::Recovered { agent, .. }) = outcome {
                drop_old_key(&shared, *agent);
            }
        })
        .await?;
    match outcome {
        Recovery::Recovered { handle, .. } => {
            Ok(Json(Recovered { handle, api_key: api_key.expose().to_owned(), message: RECOVERED.to_owned() }))
        }
        Recovery::HandleRequired(handles) => Err(Recovery::handle_required(&handles).into()),
    }
}

/// Starts the replacement of the caller's own key: mails a code.
#[utoipa::path(post, path = "/v1/agents/{handle}/rotate-key", tag = "accounts", security(("api_key" = [])),
    params(("handle" = String, Path, description = "The caller's own handle")),
    responses((status = 200, body = PendingCode)))]
async fn rotate(
    State(app): State<App>,
    Caller(caller): Caller,
    client: ClientIp,
    PathText(handle): PathText,
) -> Result<Json<PendingCode>> {
    app.limit_ip(Policy::Rotate, &client).await?;
    own_only(&caller, &handle)?;
    let now = app.clock.now();
    let challenge = draw_challenge(&app, now);
    let begin = BeginRotation { agent: caller.key, challenge: challenge.clone(), rules: code_rules(&app), now };
    let email = app.store.write(begin).await?;
    mail_or_release(&app, Flow::Rotate, &challenge, email).await?;
    Ok(pending(&challenge, SENT))
}

/// Replaces the caller's key if the code is right; the old one is dead at once.
#[utoipa::path(post, path = "/v1/agents/{handle}/rotate-key/verify", tag = "accounts", security(("api_key" = [])),
    params(("handle" = String, Path, description = "The caller's own handle")),
    request_body(content_type = "application/json", description = "pending_id, code"),
    responses((status = 200, body = RotatedKey)))]
async fn rotate_verify(
    State(app): State<App>,
    Caller(caller): Caller,
    client: ClientIp,
    PathText(handle): PathText,
    Body(body): Body,
) -> Result<Json<RotatedKey>> {
    app.limit_ip(Policy::RotateVerify, &client).await?;
    own_only(&caller, &handle)?;
    let attempt = Attempt::parse(&body)?;
    let now = app.clock.now();
    let counted = attempt.count(&app, Flow::Rotate, Some(caller.key), now).await?;
    let api_key = draw_key(&app);
    let verify = VerifyRotation {
        agent: caller.key,
        counted,
        code: attempt.code,
        code_key: app.codes.clone(),
        key_hash: hash_key(api_key.expose()),
        event: app.entropy.uuid_v7(now),
        now,
    };
    let (shared, agent) = (app.clone(), caller.key);
    let rotated = move |outcome: &Result<(), Error>| {
        if outcome.is_ok() {
            drop_old_key(&shared, agent);
        }
    };
    app.store.write_then(verify, rotated).await?;
    Ok(Json(RotatedKey { handle: caller.handle.clone(), api_key: api_key.expose().to_owned() }))
}

/// Behind the commit of a new account: the system agent greets it.
pub(super) fn welcomed(app: &App) -> impl FnOnce(&Result<accounts::Registered, Error>) + Send + use<> {
    let app = app.clone();
    move |outcome| {
        if let Ok(registered) = outcome {
            chatfather::welcome(&app, &registered.agent);
        }
    }
}

/// `FORBIDDEN` unless the path names the caller; whether the other handle exists makes no difference.
pub(super) fn own_only(caller: &accounts::Caller, handle: &str) -> Result<()> {
    if Handle::parse(handle).is_ok_and(|handle| handle == caller.handle) {
        return Ok(());
    }
    Err(AppError::new(ErrorCode::Forbidden, "This is not your account"))
}

/// A key that nobody has yet.
pub(super) fn draw_key(app: &App) -> ApiKey {
    ApiKey::from_entropy(app.entropy.bytes())
}

/// How many agents an e-mail may back on this server.
pub(super) fn email_caps(app: &App) -> EmailCaps {
    EmailCaps { live: app.limits.emails_live, lifetime: app.limits.emails_lifetime }
}

fn code_rules(app: &App) -> CodeRules {
    let millis = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
    CodeRules {
        ttl_ms: millis(app.limits.otp_ttl_s),
        tries: app.limits.otp_attempts,
        cooldown_ms: millis(app.limits.otp_cooldown_s),
        hourly: app.limits.otp_hourly,
    }
}

fn draw_challenge(app: &App, now: Timestamp) -> Challenge {
    Challenge {
        pending: PendingId::from_bytes(app.entropy.uuid_v7(now)),
        code: Code::from_entropy(app.entropy.bytes()),
        key: app.codes.clone(),
    }
}

fn pending(challenge: &Challenge, message: &str) -> Json<PendingCode> {
    Json(PendingCode { pending_id: challenge.pending, message: message.to_owned() })
}

/// A code somebody typed for a pending flow.
struct Attempt {
    pending: PendingId,
    code: Code,
}

impl Attempt {
    fn parse(body: &[u8]) -> Result<Self> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let pending = body.req_str("pending_id", &mut errors);
        let code = body.req_str("code", &mut errors).map(Code::parse);
        if code == Some(None) {
            errors.field("code", "Expected six digits");
        }
        match (pending, code.flatten()) {
            // What is no pending id belongs to no pending flow.
            (Some(pending), Some(code)) => {
                Ok(Self { pending: pending.parse().unwrap_or(PendingId::from_bytes([0; 16])), code })
            }
            _ => Err(errors.into()),
        }
    }

    /// Counts the try. No code is compared unless that is durable.
    async fn count(&self, app: &App, flow: Flow, agent: Option<AgentKey>, now: Timestamp) -> Result<Counted> {
        let count = CountTry { pending: self.pending, flow, agent, rules: code_rules(app), now };
        app.store.write(count).await.map_err(|error| match error {
            Error::Store(error) => AppError::unavailable(error),
            rejected @ Error::Rejected(_) => rejected.into(),
        })
    }
}

fn lost_account(body: &[u8]) -> Result<(Email, Option<String>)> {
    let body = Object::parse(body)?;
    let mut errors = FieldErrors::default();
    let email = body.req_str("email", &mut errors).map(Email::parse);
    if matches!(email, Some(Err(_))) {
        errors.field("email", "Not a valid e-mail address");
    }
    let handle = body.opt_str("handle", &mut errors).filter(|handle| !handle.is_empty()).map(str::to_owned);
    match email {
        Some(Ok(email)) if errors.is_empty() => Ok((email, handle)),
        _ => Err(errors.into()),
    }
}

/// Hands the code to the mailer; if that fails, the flow was never begun.
async fn mail_or_release(app: &App, flow: Flow, challenge: &Challenge, email: Email) -> Result<()> {
    let Err(error) = app.mailer.send(code_mail(&email, flow, challenge.code, app.limits.otp_ttl_s)).await else {
        return Ok(());
    };
    if let Err(kept) = app.store.write(ReleaseSlot { pending: challenge.pending, email }).await {
        tracing::warn!(error = %kept, "the slot of a code that was not mailed stays taken");
    }
    Err(AppError::new(ErrorCode::OtpFailed, "The verification code could not be mailed").caused_by(error))
}

/// Hands the code to the mailer off the request path if it is a `hit`; nothing before the answer depends on that, so
/// that its time tells nothing. The slot stays taken if the mailer fails: giving it back would tell that there was
/// something to recover.
fn mail_later(app: &App, flow: Flow, hit: bool, challenge: &Challenge, email: Email) {
    let (mailer, code, ttl_s) = (app.mailer.clone(), challenge.code, app.limits.otp_ttl_s);
    app.spawn(async move {
        if !hit {
            return;
        }
        if let Err(error) = mailer.send(code_mail(&email, flow, code, ttl_s)).await {
            tracing::error!(%error, "a recovery code could not be mailed");
        }
    });
}

/// After the commit: nobody gets in with the old key, and who is in leaves.
pub(super) fn drop_old_key(app: &App, agent: AgentKey) {
    app.agent_changed(agent, Some(Control::KeyRotated));
}
