//! realtime.md §11: the stream of events. Before it begins there is PA and nothing else, which `prologues` proves; the
//! stream itself is proved in `realtime`.

use super::ladder::{Ladder, agent};

/// Every row of this file; none has rungs of its own.
pub(super) fn all() -> Vec<Ladder> {
    vec![agent("realtime §11", "GET /v1/events")]
}
