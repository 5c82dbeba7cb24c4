//! How many sockets of one address wait for their HELLO.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Hub;

/// The count per address.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    most: usize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl WaitingRoom {
    pub(super) fn new(most: usize) -> Self {
        Self { most, by_address: Mutex::default() }
    }

    pub(super) fn enter(&self, hub: Arc<Hub>, address: IpAddr) -> Option<Waiting> {
        let mut counts = self.lock();
        let count = counts.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Waiting { hub, address })
    }

    fn leave(&self, address: IpAddr) {
        let mut counts = self.lock();
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket that waits; it is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    hub: Arc<Hub>,
    address: IpAddr,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.hub.waiting_room().leave(self.address);
    }
}
