//! Requests by route, without a lock or an allocation for a route that was seen before.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

/// A count of requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Counted {
    method: &'static str,
    route: String,
    status: &'static str,
}

/// How long requests took.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    method: &'static str,
    route: String,
}

const METHODS: [(Method, &str); 7] = [
    (Method::GET, "GET"),
    (Method::POST, "POST"),
    (Method::PATCH, "PATCH"),
    (Method::DELETE, "DELETE"),
    (Method::PUT, "PUT"),
    (Method::HEAD, "HEAD"),
    (Method::OPTIONS, "OPTIONS"),
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// The name of everything that is no route of the API. Whatever a client makes up, there is one series for it.
const OTHER: &str = "other";

/// The requests of all routes.
pub struct Requests {
    counts: Family<Counted, Counter>,
    times: Family<Timed, Histogram, fn() -> Histogram>,
    routes: HashMap<String, Methods>,
    other: Methods,
}

/// One route with each method, made at its first request, and the rest of the methods.
type Methods = [OnceLock<Arc<Route>>; METHODS.len() + 1];

/// One route with one method.
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The template, never the path.
    pub path: String,
    counts: Family<Counted, Counter>,
    classes: [OnceLock<Counter>; CLASSES.len()],
    time: Histogram,
}

/// From 0.1 ms, which a token check takes, to three seconds and more, which a cut-off on Kafka may.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 16))
}

impl Requests {
    /// For these templates.
    pub fn register(registry: &mut Registry, templates: impl IntoIterator<Item = String>) -> Self {
        let counts = Family::<Counted, Counter>::default();
        let times = Family::<Timed, Histogram, _>::new_with_constructor(buckets as fn() -> Histogram);
        registry.register("http_requests", "Requests by method, route and class of status", counts.clone());
        let help = "From the last header of a request to the first of its answer";
        registry.register("http_request_seconds", help, times.clone());
        let routes = templates.into_iter().map(|template| (template, Methods::default())).collect();
        Self { counts, times, routes, other: Methods::default() }
    }

    /// The handles of a route.
    pub fn route(&self, method: &Method, template: Option<&str>) -> Arc<Route> {
        let known = template.and_then(|template| self.routes.get_key_value(template));
        let (path, methods) = known.map_or((OTHER, &self.other), |(path, methods)| (path.as_str(), methods));
        let number = METHODS.iter().position(|(known, _)| known == method);
        let name = number.map_or(OTHER, |number| METHODS[number].1);
        methods[number.unwrap_or(METHODS.len())].get_or_init(|| Arc::new(self.first(name, path))).clone()
    }

    fn first(&self, method: &'static str, path: &str) -> Route {
        let time = self.times.get_or_create(&Timed { method, route: path.to_owned() }).clone();
        Route { method, path: path.to_owned(), counts: self.counts.clone(), classes: Default::default(), time }
    }
}

impl Route {
    /// Counts a request that was answered.
    pub fn observe(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        let counter = self.classes[class].get_or_init(|| {
            let labels = Counted { method: self.method, route: self.path.clone(), status: CLASSES[class] };
            self.counts.get_or_create(&labels).clone()
        });
        counter.inc();
        self.time.observe(took.as_secs_f64());
    }
}
