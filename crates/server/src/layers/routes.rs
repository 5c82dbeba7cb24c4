//! The template of a request's route, for metrics and logs, with ready-made counters.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::{Method, StatusCode};
use metrics::{Counter, Histogram, counter, histogram};

use super::path_rules::Path;

/// Every route by its template. Index 0 stands for all paths that are no route.
#[derive(Debug)]
pub(super) struct Routes {
    matcher: matchit::Router<usize>,
    series: Vec<Series>,
}

#[derive(Debug)]
struct Series {
    name: String,
    // A handful of (method, status) pairs a route; made when first seen, then found without hashing.
    counted: RwLock<Vec<(Method, StatusCode, Counter, Histogram)>>,
}

impl Routes {
    pub(super) fn new(paths: impl IntoIterator<Item = String>) -> Self {
        let mut matcher = matchit::Router::new();
        let mut series = vec![Series::new("unmatched".to_owned())];
        for path in paths {
            if matcher.insert(path.clone(), series.len()).is_ok() {
                series.push(Series::new(path));
            }
        }
        Self { matcher, series }
    }

    /// The route of a path.
    pub(super) fn find(&self, rules: Path, path: &str) -> usize {
        if rules == Path::Refused {
            return 0;
        }
        self.matcher.at(path).map_or(0, |found| *found.value)
    }

    pub(super) fn name(&self, route: usize) -> &str {
        &self.series[route].name
    }

    /// Counts one answered request.
    pub(super) fn count(&self, route: usize, method: &Method, status: StatusCode, elapsed: Duration) {
        let series = &self.series[route];
        // Any client can invent a method; a label must not be invented.
        let method = if is_standard(method) { method.clone() } else { Method::TRACE };
        if !series.record(&method, status, elapsed) {
            series.add(method.clone(), status);
            series.record(&method, status, elapsed);
        }
    }
}

impl Series {
    fn new(name: String) -> Self {
        Self { name, counted: RwLock::default() }
    }

    fn record(&self, method: &Method, status: StatusCode, elapsed: Duration) -> bool {
        let counted = self.counted.read().unwrap_or_else(PoisonError::into_inner);
        let found = counted.iter().find(|one| one.0 == *method && one.1 == status);
        found.inspect(|(_, _, requests, seconds)| {
            requests.increment(1);
            seconds.record(elapsed);
        });
        found.is_some()
    }

    fn add(&self, method: Method, status: StatusCode) {
        let (route, verb) = (self.name.clone(), label(&method));
        let requests = counter!("agentchat_http_requests_total",
            "route" => route.clone(), "method" => verb, "status" => status.as_str().to_owned());
        let seconds = histogram!("agentchat_http_request_seconds", "route" => route, "method" => verb);
        let mut counted = self.counted.write().unwrap_or_else(PoisonError::into_inner);
        counted.push((method, status, requests, seconds));
    }
}

fn is_standard(method: &Method) -> bool {
    label(method) != "other"
}

fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
