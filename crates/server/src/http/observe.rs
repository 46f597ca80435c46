//! Requests as metrics and in the log.
//!
//! Every request is counted and timed under its route's template. One that was refused is logged with the correlation id that its
//! error body carries; one that may change something has that id from its beginning, in a span, so that everything logged on its
//! behalf carries it too. Reads, the streaming ones above all, get no span: at tens of thousands in a second it would show.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    http::{Method, Response},
};
use futures::future::Either;
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tower::{Layer, Service};
use tracing::{Instrument, instrument::Instrumented};

use crate::{app::App, metrics::requests::Route};

/// What a person quotes from an error to whoever can read the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorrelationId(u32);

tokio::task_local! {
    static CURRENT: CorrelationId;
}

impl CorrelationId {
    /// The one of the request that this task works on, if it has one; else a new one.
    pub fn current() -> Self {
        CURRENT.try_with(|id| *id).unwrap_or_else(|_| Self(rand::random()))
    }
}

impl std::fmt::Display for CorrelationId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:08X}", self.0)
    }
}

/// Puts [`Observe`] around each route.
#[derive(Clone)]
pub struct ObserveLayer(pub Arc<App>);

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { app: self.0.clone(), inner }
    }
}

/// A route whose requests are counted, timed and logged.
#[derive(Clone)]
pub struct Observe<S> {
    app: Arc<App>,
    inner: S,
}

impl<S, B> Service<Request> for Observe<S>
where
    S: Service<Request, Response = Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Observed<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Observed<S::Future> {
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let route = self.app.metrics.requests.route(request.method(), path);
        let started = Instant::now();
        let future = if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            Either::Left(self.inner.call(request))
        } else {
            let id = CorrelationId::current();
            let span = tracing::info_span!("request", correlation_id = %id, method = route.method, route = route.path);
            let future = span.in_scope(|| self.inner.call(request));
            Either::Right(CURRENT.scope(id, future).instrument(span))
        };
        Observed { future, route, started }
    }
}

pin_project! {
    /// The answer to come.
    pub struct Observed<F> {
        #[pin]
        future: Either<F, Instrumented<TaskLocalFuture<CorrelationId, F>>>,
        route: Arc<Route>,
        started: Instant,
    }
}

impl<F, B, E> Future for Observed<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.future.poll(context));
        if let Ok(answer) = &answer {
            let (status, took) = (answer.status(), this.started.elapsed());
            this.route.observe(status, took);
            if status.is_client_error() || status.is_server_error() {
                log(this.route, answer, took.as_micros() as u64);
            }
        }
        Poll::Ready(answer)
    }
}

fn log<B>(route: &Route, answer: &Response<B>, microseconds: u64) {
    let id = answer.extensions().get::<CorrelationId>().map(ToString::to_string);
    let (correlation_id, status) = (id.as_deref().unwrap_or("none"), answer.status().as_u16());
    let (method, route) = (route.method, route.path.as_str());
    if answer.status().is_server_error() {
        tracing::warn!(correlation_id, method, route, status, microseconds, "request failed");
    } else {
        tracing::debug!(correlation_id, method, route, status, microseconds, "request refused");
    }
}
