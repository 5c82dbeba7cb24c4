//! The rows of one pass and how far they may be acknowledged (R25).

use std::sync::Arc;

use super::output::DrainSummary;

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum RowState {
    Open,
    Settled,
    Failed,
    Invalid,
}

#[derive(Debug)]
struct Row {
    delivery_id: Option<Arc<str>>,
    message_id: Option<Arc<str>>,
    state: RowState,
    on_socket: bool,
}

/// Rows in the server's order.
#[derive(Default, Debug)]
pub(super) struct Ledger {
    rows: Vec<Row>,
    open: usize,
    /// Length of the longest settled beginning.
    settled: usize,
    /// Ends of whole pages that are not acknowledged yet.
    pages: Vec<usize>,
    last_cursor: Option<Arc<str>>,
    pub(super) summary: DrainSummary,
}

impl Ledger {
    pub(super) fn push(&mut self, delivery_id: Option<Arc<str>>, message_id: Option<Arc<str>>) -> usize {
        self.rows.push(Row { delivery_id, message_id, state: RowState::Open, on_socket: false });
        self.open += 1;
        self.summary.rows += 1;
        self.rows.len() - 1
    }

    pub(super) fn push_invalid(&mut self, delivery_id: Option<Arc<str>>) {
        self.rows.push(Row { delivery_id, message_id: None, state: RowState::Invalid, on_socket: false });
        self.summary.rows += 1;
        self.summary.invalid += 1;
    }

    pub(super) fn end_page(&mut self) {
        self.pages.push(self.rows.len());
    }

    pub(super) fn settle(&mut self, index: usize, dispatched: bool) {
        self.close(index, RowState::Settled);
        self.summary.dispatched += u64::from(dispatched);
        while self.rows.get(self.settled).is_some_and(|row| row.state == RowState::Settled) {
            self.settled += 1;
        }
    }

    pub(super) fn fail(&mut self, index: usize) {
        self.close(index, RowState::Failed);
        self.summary.dispatched += 1;
        self.summary.failed += 1;
    }

    fn close(&mut self, index: usize, state: RowState) {
        if let Some(row) = self.rows.get_mut(index).filter(|row| row.state == RowState::Open) {
            row.state = state;
            self.open -= 1;
        }
    }

    pub(super) fn acked_on_socket(&mut self, index: usize) {
        if let Some(row) = self.rows.get_mut(index) {
            row.on_socket = true;
        }
    }

    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn all_settled(&self) -> bool {
        self.settled == self.rows.len()
    }

    /// The cursor to acknowledge because another whole page is settled, or because the pass ends.
    pub(super) fn next_cursor(&mut self, at_end: bool) -> Option<Arc<str>> {
        let whole = self.pages.iter().take_while(|&&end| end <= self.settled).count();
        let page_end = self.pages.drain(..whole).next_back();
        let through = if at_end { Some(self.settled) } else { page_end }?;
        let cursor = self.rows.get(..through)?.iter().rev().find_map(|row| row.delivery_id.clone())?;
        if self.last_cursor.as_ref() == Some(&cursor) {
            return None;
        }
        self.last_cursor = Some(cursor.clone());
        Some(cursor)
    }

    /// Settled rows behind one that is not: their messages are acknowledged on the socket, each once.
    pub(super) fn settled_behind_freeze(&mut self) -> Vec<Arc<str>> {
        let rows = self.rows.iter_mut().skip(self.settled);
        let settled = rows.filter(|row| row.state == RowState::Settled && !row.on_socket);
        settled
            .filter_map(|row| {
                row.on_socket = true;
                row.message_id.clone()
            })
            .collect()
    }
}
