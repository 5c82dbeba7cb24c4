//! The rate limit policies by name, with the values the contract gives them.

use std::fmt;
use std::str::FromStr;

use super::LimitError;

/// Requests per window: capacity `limit`, refilled at `limit / window_s` a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens of a full bucket, at least 1.
    pub limit: u32,
    /// Seconds in which an empty bucket fills, at least 1.
    pub window_s: u32,
}

impl Rate {
    /// `limit` per `window_s` seconds.
    pub const fn new(limit: u32, window_s: u32) -> Self {
        Self { limit, window_s }
    }

    /// Nanoseconds between two tokens, at least 1.
    pub(crate) fn interval_nanos(self) -> i64 {
        (self.window_nanos() / i64::from(self.limit)).max(1)
    }

    /// Nanoseconds in which so many tokens come back, at least 1.
    pub(crate) fn cost_nanos(self, tokens: u64) -> i64 {
        if tokens == 1 {
            return self.interval_nanos();
        }
        let cost = i128::from(tokens) * i128::from(self.window_nanos()) / i128::from(self.limit);
        i64::try_from(cost).unwrap_or(i64::MAX / 4).max(1)
    }

    /// Whole tokens of a bucket that is full in `debt_nanos`.
    pub(crate) fn tokens_left(self, debt_nanos: i64) -> u32 {
        let left = (self.window_nanos() - debt_nanos).max(0) / self.interval_nanos();
        u32::try_from(left).unwrap_or(u32::MAX).min(self.limit)
    }

    /// The window in nanoseconds.
    pub(crate) fn window_nanos(self) -> i64 {
        i64::from(self.window_s) * 1_000_000_000
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.limit, self.window_s)
    }
}

impl FromStr for Rate {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let malformed = || LimitError::Value(text.to_owned());
        let (limit, window) = text.split_once('/').ok_or_else(malformed)?;
        let limit = limit.trim().parse().map_err(|_| malformed())?;
        let window_s = window.trim().parse().map_err(|_| malformed())?;
        if limit == 0 || window_s == 0 {
            return Err(malformed());
        }
        Ok(Self { limit, window_s })
    }
}

macro_rules! policies {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $limit:literal / $window:literal,)+) => {
        /// A rate limit that `--limit NAME=L/W` or `--limit NAME=off` changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Policy {
            $($(#[$doc])* $variant,)+
        }

        impl Policy {
            /// Every policy, in the order of the contract's table.
            pub const ALL: &'static [Policy] = &[$(Policy::$variant,)+];

            /// The name operators use.
            pub const fn name(self) -> &'static str {
                match self { $(Policy::$variant => $name,)+ }
            }

            /// The contract's value.
            pub const fn default_rate(self) -> Rate {
                match self { $(Policy::$variant => Rate::new($limit, $window),)+ }
            }
        }
    };
}

policies! {
    /// First writes of one agent, direct and group together.
    Send = "send" 60 / 1,
    /// The same for a system agent.
    SendSystem = "send_system" 200 / 1,
    /// All senders of one group together.
    GroupSend = "group_send" 20 / 1,
    /// Every authenticated agent request but `POST /v1/messages`.
    Api = "api" 200 / 1,
    /// Directory look-ups of one agent.
    Directory = "directory" 60 / 60,
    /// Directory look-ups of one agent in a day.
    DirectoryDay = "directory_day" 1000 / 86400,
    /// Mutes written by one agent.
    MuteWrite = "mute_write" 10 / 1,
    /// Own and group avatars written by one agent.
    AvatarWrite = "avatar_write" 5 / 60,
    /// Upload slots of one agent.
    Upload = "upload" 60 / 60,
    /// Declared bytes of one agent's upload slots.
    UploadBytes = "upload_bytes" 1073741824 / 3600,
    /// Groups created by one agent.
    GroupCreate = "group_create" 30 / 3600,
    /// Invites newly created by one agent.
    GroupInvite = "group_invite" 50 / 86400,
    /// Webhook tests of one agent.
    WebhookTest = "webhook_test" 10 / 60,
    /// Searches of one agent.
    Search = "search" 30 / 60,
    /// Exports of one agent.
    Export = "export" 2 / 3600,
    /// Quick replies in one conversation.
    Loop = "loop" 600 / 600,
    /// Authenticated socket handshakes of one agent.
    WsConnect = "ws_connect" 60 / 60,
    /// Client frames of one socket, other than acks.
    WsFrame = "ws_frame" 50 / 1,
    /// Public profiles read from one address.
    ProfileRead = "profile_read" 600 / 60,
    /// Registrations started from one address.
    Register = "register" 5 / 3600,
    /// Registration codes tried from one address.
    RegisterVerify = "register_verify" 10 / 600,
    /// Recoveries started from one address.
    Recover = "recover" 3 / 3600,
    /// Recovery codes tried from one address.
    RecoverVerify = "recover_verify" 10 / 600,
    /// Key rotations started from one address.
    Rotate = "rotate" 3 / 3600,
    /// Rotation codes tried from one address.
    RotateVerify = "rotate_verify" 10 / 600,
    /// Owner sign-ins started from one address.
    OwnerOtp = "owner_otp" 5 / 3600,
    /// Owner codes tried from one address.
    OwnerVerify = "owner_verify" 10 / 600,
    /// Owner session refreshes from one address.
    OwnerRefresh = "owner_refresh" 30 / 60,
    /// Claims tried from one address.
    OwnerClaim = "owner_claim" 20 / 600,
    /// Keys that the operator gave to one system agent.
    SystemKey = "system_key" 10 / 3600,
}

impl Policy {
    /// The name clients see in `RateLimit`.
    pub const fn shown(self) -> &'static str {
        match self {
            Policy::SendSystem => Policy::Send.name(),
            other => other.name(),
        }
    }

    /// The name clients see as `details.reason`.
    pub const fn reason(self) -> &'static str {
        match self {
            Policy::Loop => "loop_guard",
            other => other.shown(),
        }
    }

    /// With several nodes all of them take from the same bucket; other policies count on each for itself, so that
    /// who is spread over n of them gets at most n times the rate.
    pub(crate) const fn is_exact(self) -> bool {
        matches!(
            self,
            Policy::Register
                | Policy::RegisterVerify
                | Policy::Recover
                | Policy::RecoverVerify
                | Policy::Rotate
                | Policy::RotateVerify
        )
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}
