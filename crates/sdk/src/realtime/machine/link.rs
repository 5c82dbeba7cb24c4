//! The connection: opening, handshake, its end, and when to try again (R1–R8, R33–R39).

use std::time::Duration;

use super::conversation::Anchor;
use super::input::{Frame, Generation, Hello, OpenFailure, SendFailure};
use super::output::{Output, Phase};
use super::timers::Timer;
use super::{Now, RealtimeMachine};
use crate::types::RawJson;

/// The longest wait a server may impose.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Words of a 1008 reason that mean the credential was rejected.
const AUTH_WORDS: [&str; 12] = [
    "token",
    "api key",
    "apikey",
    "unauthor",
    "forbidden",
    "suspend",
    "deleted",
    "rotated",
    "revoked",
    "signed out",
    "ticket",
    "credential",
];

pub(super) struct Link {
    pub(super) state: LinkState,
    generation: Generation,
    /// The last `hello.ok` had acknowledgements, or there was none yet.
    pub(super) lossless: bool,
    had_hello: bool,
    /// Reconnects scheduled since the last stable connection.
    step: u32,
    /// Attempts in a row that did not reach `hello.ok`.
    failures: u32,
    policy_closes: u32,
    size_closes: u32,
    rapid: u32,
    random: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum LinkState {
    Idle,
    Connecting,
    Handshaking { refusal: Option<String> },
    Online { ack_mode: bool, since: Now },
    Waiting { until: Now },
    Terminal,
}

impl Link {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: LinkState::Idle,
            generation: 0,
            lossless: true,
            had_hello: false,
            step: 0,
            failures: 0,
            policy_closes: 0,
            size_closes: 0,
            rapid: 0,
            random: seed,
        }
    }

    pub(super) fn became_stable(&mut self) {
        (self.step, self.policy_closes, self.size_closes, self.rapid) = (0, 0, 0, 0);
    }

    fn start_afresh(&mut self) {
        self.became_stable();
        self.failures = 0;
    }

    /// Uniform in 0..1 (splitmix64).
    fn draw(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn has_socket(&self) -> bool {
        matches!(self.state, LinkState::Handshaking { .. } | LinkState::Online { .. })
    }
}

/// What a close code means (R34).
enum Verdict {
    Reconnect,
    NotBefore(Duration),
    Terminal(String),
}

impl RealtimeMachine {
    /// The state of the connection.
    pub fn phase(&self) -> Phase {
        match self.link.state {
            _ if self.is_closed() => Phase::Closed,
            LinkState::Connecting => Phase::Connecting,
            LinkState::Handshaking { .. } => Phase::Handshaking,
            LinkState::Online { ack_mode, since } => Phase::Online { ack_mode, since },
            LinkState::Waiting { until } => Phase::Waiting { until, attempt: self.link.step },
            LinkState::Idle | LinkState::Terminal => Phase::Stopped,
        }
    }

    /// The socket that is open and accepted, and whether it has acknowledgements.
    pub(super) fn online(&self) -> Option<(Generation, bool)> {
        match self.link.state {
            LinkState::Online { ack_mode, .. } => Some((self.link.generation, ack_mode)),
            _ => None,
        }
    }

    pub(super) fn lossless(&self) -> bool {
        self.link.lossless
    }

    pub(super) fn connect(&mut self) {
        if self.is_shutting_down() {
            return;
        }
        match self.link.state {
            LinkState::Connecting | LinkState::Handshaking { .. } | LinkState::Online { .. } => {}
            LinkState::Idle | LinkState::Waiting { .. } => self.open(),
            LinkState::Terminal => {
                self.link.start_afresh();
                self.open();
            }
        }
    }

    pub(super) fn open(&mut self) {
        self.timers.cancel(&Timer::Reconnect);
        self.link.generation += 1;
        self.link.state = LinkState::Connecting;
        self.emit(Output::Open { generation: self.link.generation });
    }

    pub(super) fn opened(&mut self, generation: Generation) {
        if generation != self.link.generation || self.link.state != LinkState::Connecting {
            return self.emit(Output::Close { generation, code: 1000, reason: "" });
        }
        self.link.state = LinkState::Handshaking { refusal: None };
        self.timers.set(Timer::Watchdog, self.now + self.options.tuning.hello_watchdog);
        self.emit(Output::SendHello { generation });
    }

    pub(super) fn hello_sent(&mut self, generation: Generation) {
        if generation == self.link.generation && matches!(self.link.state, LinkState::Handshaking { .. }) {
            self.timers.set(Timer::Watchdog, self.now + self.options.tuning.hello_watchdog);
        }
    }

    pub(super) fn open_failed(&mut self, generation: Generation, failure: OpenFailure) {
        if generation != self.link.generation || self.link.state != LinkState::Connecting {
            return;
        }
        self.error(format!("WebSocket connection failed: {}", failure.text));
        match failure.status {
            Some(status @ (401 | 403)) => self.stop(format!("WebSocket connection rejected with HTTP {status}")),
            Some(429 | 503) => self.attempt_failed(failure.retry_after.unwrap_or_default().min(LONGEST_WAIT)),
            _ => self.attempt_failed(Duration::ZERO),
        }
    }

    pub(super) fn frame(&mut self, generation: Generation, frame: Frame) {
        if generation != self.link.generation || self.is_shutting_down() {
            return;
        }
        match (&mut self.link.state, frame) {
            (LinkState::Handshaking { .. }, Frame::HelloOk(hello)) => self.accepted(hello),
            (LinkState::Handshaking { refusal }, Frame::Other { kind, raw }) if &*kind == "error" => {
                *refusal = refusal_text(&raw);
            }
            (LinkState::Online { .. }, Frame::Message(row)) => self.live(row),
            (LinkState::Online { .. }, Frame::Other { kind, raw }) => self.emit(Output::Event { kind, raw }),
            _ => {}
        }
    }

    fn accepted(&mut self, hello: Hello) {
        let (first, ack_mode) = (!self.link.had_hello, hello.ack_mode);
        self.link.had_hello = true;
        self.link.failures = 0;
        self.link.lossless = ack_mode;
        self.link.state = LinkState::Online { ack_mode, since: self.now };
        self.timers.cancel(&Timer::Watchdog);
        self.timers.set(Timer::Stable, self.now + self.options.tuning.stable);
        if ack_mode {
            // Everything unsettled will be offered again, so what is missing was settled elsewhere (R16).
            self.conversations.each(|conversation| {
                if let Anchor::Hard(next) = conversation.anchor {
                    conversation.anchor = Anchor::Soft(next);
                }
            });
            self.flush_acks();
        }
        self.emit(Output::Connected { hello, first });
        self.connected_drain();
    }

    pub(super) fn watchdog_fired(&mut self) {
        if !matches!(self.link.state, LinkState::Handshaking { .. }) {
            return;
        }
        self.error("HELLO ack timeout");
        self.emit(Output::Close { generation: self.link.generation, code: 4408, reason: "HELLO ack timeout" });
        self.ended(4408, "HELLO ack timeout".to_owned(), false);
    }

    pub(super) fn send_failed(&mut self, generation: Generation, failure: SendFailure) {
        match failure {
            SendFailure::Acks(ids) => self.keep_acks(ids),
            SendFailure::Hello { text, close } => {
                if generation != self.link.generation || !self.link.has_socket() {
                    return;
                }
                self.error(format!("HELLO send failed: {text}"));
                let (code, reason) = close.unwrap_or((1006, String::new()));
                self.emit(Output::Close { generation, code: 1000, reason: "" });
                self.ended(code, reason, false);
            }
        }
    }

    pub(super) fn closed(&mut self, generation: Generation, code: Option<u16>, reason: String) {
        if generation != self.link.generation || !self.link.has_socket() {
            return;
        }
        if self.is_shutting_down() {
            return self.closed_at_shutdown(code, reason);
        }
        self.emit(Output::Close { generation, code: 1000, reason: "" });
        self.ended(code.unwrap_or(1006), reason, true);
    }

    /// The end of a socket that was open (R33).
    fn ended(&mut self, code: u16, reason: String, report: bool) {
        self.timers.cancel(&Timer::Watchdog);
        self.timers.cancel(&Timer::Stable);
        self.emit(Output::PauseReading(false));
        self.reading_paused = false;
        let was_online = self.note_rapid();
        if report && code != 1000 && code != 1001 {
            let detail = self.refusal().unwrap_or_else(|| reason.clone());
            self.error(format!("WebSocket error: closed with code {code} {detail}").trim_end().to_owned());
        }
        self.emit(Output::Disconnected { code, reason: reason.clone() });
        let verdict = self.verdict(code, &reason);
        self.link.state = LinkState::Idle;
        match verdict {
            Verdict::Terminal(text) => self.stop(text),
            Verdict::NotBefore(wait) if was_online => self.schedule_reconnect(wait),
            Verdict::NotBefore(wait) => self.attempt_failed(wait),
            Verdict::Reconnect if was_online => self.schedule_reconnect(Duration::ZERO),
            Verdict::Reconnect => self.attempt_failed(Duration::ZERO),
        }
    }

    fn refusal(&mut self) -> Option<String> {
        match &mut self.link.state {
            LinkState::Handshaking { refusal } => refusal.take(),
            _ => None,
        }
    }

    /// Counts a connection that lived briefly (R39); whether there was one.
    fn note_rapid(&mut self) -> bool {
        let LinkState::Online { since, .. } = self.link.state else { return false };
        if self.now.saturating_sub(since) < self.options.tuning.rapid {
            self.link.rapid += 1;
            if self.link.rapid == self.options.tuning.rapid_limit {
                self.warn(format!("the connection is unstable: {} short connections in a row", self.link.rapid));
            }
        }
        true
    }

    fn verdict(&mut self, code: u16, reason: &str) -> Verdict {
        let terminal = |kind: &str| Verdict::Terminal(format!("WebSocket closed with {kind} code {code}: {reason}"));
        match code {
            4401 | 4403 => terminal("auth-terminal"),
            1008 if is_auth(reason) => terminal("auth-terminal"),
            1008 if reason.starts_with("HELLO") || reason.starts_with("hello") => Verdict::Reconnect,
            1008 => {
                self.link.policy_closes += 1;
                if self.link.policy_closes >= 3 { terminal("auth-terminal") } else { Verdict::Reconnect }
            }
            1009 => {
                self.link.size_closes += 1;
                if self.link.size_closes >= 3 { terminal("terminal") } else { Verdict::Reconnect }
            }
            4429 | 4409 => Verdict::NotBefore(imposed_wait(reason).unwrap_or(self.options.reconnect.max)),
            _ => Verdict::Reconnect,
        }
    }

    /// An attempt that did not reach `hello.ok` (R37).
    fn attempt_failed(&mut self, wait: Duration) {
        self.link.failures += 1;
        let failures = self.link.failures;
        match self.options.reconnect.max_attempts {
            Some(most) if self.options.reconnect.enabled && failures >= most => {
                self.stop(format!("WebSocket reconnect gave up after {failures} attempts"));
            }
            _ => self.schedule_reconnect(wait),
        }
    }

    fn schedule_reconnect(&mut self, wait: Duration) {
        self.link.state = LinkState::Idle;
        let policy = self.options.reconnect;
        if !policy.enabled || self.timers.is_set(&Timer::Reconnect) {
            return;
        }
        if policy.max_attempts == Some(0) {
            return self.stop("WebSocket reconnect gave up after 0 attempts".to_owned());
        }
        self.link.step += 1;
        let until = self.now + self.reconnect_delay().max(wait);
        self.link.state = LinkState::Waiting { until };
        self.timers.set(Timer::Reconnect, until);
    }

    fn reconnect_delay(&mut self) -> Duration {
        let policy = self.options.reconnect;
        let doublings = self.link.step.saturating_sub(1).min(10);
        let plain = policy.initial.saturating_mul(1 << doublings).min(policy.max);
        let random = self.link.draw();
        plain.mul_f64(self.options.tuning.jitter.unwrap_or(0.75 + random / 2.0)).min(policy.max)
    }

    fn stop(&mut self, text: String) {
        self.timers.cancel(&Timer::Reconnect);
        self.link.state = LinkState::Terminal;
        self.emit(Output::Terminal(text));
    }

    /// At shutdown: the socket that is open, if one is; one that is being opened is given up.
    pub(super) fn leave(&mut self) -> Option<Generation> {
        let open = self.link.has_socket().then_some(self.link.generation);
        if self.link.state == LinkState::Connecting {
            self.emit(Output::Close { generation: self.link.generation, code: 1000, reason: "" });
        }
        if open.is_none() {
            self.link.state = LinkState::Idle;
        }
        open
    }

    pub(super) fn forget_socket(&mut self) {
        self.link.state = LinkState::Idle;
    }
}

fn is_auth(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    AUTH_WORDS.iter().any(|word| reason.contains(word))
}

/// The wait named in `retry after <n>s`.
fn imposed_wait(reason: &str) -> Option<Duration> {
    let seconds = reason.strip_prefix("retry after ")?.strip_suffix('s')?;
    seconds.parse().ok().map(Duration::from_secs).map(|wait| wait.min(LONGEST_WAIT))
}

/// What an `error` frame before `hello.ok` says (R7).
fn refusal_text(raw: &RawJson) -> Option<String> {
    let frame = raw.to_value().ok()?;
    let body = frame.get("payload").unwrap_or(&frame);
    let member = |name: &str| body.get(name)?.as_str().map(str::to_owned);
    match (member("code"), member("message")) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (code, message) => code.or(message),
    }
}
