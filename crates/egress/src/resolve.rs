//! From names to addresses, through a seam.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

/// The addresses that a name stands for, sooner or later.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// What knows which addresses a name stands for.
pub trait Resolve: fmt::Debug + Send + Sync {
    /// All addresses of `host`. Asked once for each call.
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a>;
}

/// The operating system's own resolver.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        Box::pin(async move {
            // The port is of no consequence here.
            let found = tokio::net::lookup_host((host, 443)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
