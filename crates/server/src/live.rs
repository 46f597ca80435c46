//! Streams of server-sent events: how many there may be, how long one lasts, and that the right to it is proved again and again.
//!
//! A handler makes a stream of events and hands it to [`answer`]. That ends it when the right of the caller does, when it has
//! lasted for [`LASTS`], and when the server stops, each time with an event `end` that says why. What is under way when a client
//! hangs up is dropped with the answer's body, and the seat is free again.

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use twinkey_api::{
    Role, TokenKind, WorkspaceId,
    live::{EndReason, StreamEnd},
};

use crate::{
    app::App,
    db,
    error::ApiError,
    extract::{Manage, UserCaller, workspace::AtLeast},
    validity,
};

/// How long a stream lasts. A browser connects again by itself, and is authenticated anew by that.
const LASTS: Duration = Duration::from_mins(15);
/// How often the right to a stream is proved again.
const PROVE_EVERY: Duration = Duration::from_secs(3);
/// How long that may take.
const PROVE_LIMIT: Duration = Duration::from_secs(5);
/// How long a stream may be silent before a comment shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);
/// Streams of one user at a time: a few windows with a few pages each.
const OF_USER_MAX: usize = 20;
/// Streams of this server at a time.
const ALL_MAX: usize = 500;

/// The streams that are open on this server, by their users.
#[derive(Default)]
pub struct Streams(Mutex<HashMap<String, usize>>);

/// A place for one stream.
struct Seat {
    app: Arc<App>,
    user_id: String,
}

impl Streams {
    /// How many are open.
    pub fn open(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn take(&self, user_id: &str) -> Result<(), ApiError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= ALL_MAX {
            return Err(ApiError::NotReady("too many pages are open that are kept up to date; try again in a minute"));
        }
        let of_user = open.entry(user_id.to_owned()).or_default();
        if *of_user >= OF_USER_MAX {
            return Err(ApiError::Invalid {
                code: "TooManyStreams",
                status: StatusCode::TOO_MANY_REQUESTS,
                message: format!("You have {OF_USER_MAX} pages open that are kept up to date; close some of them"),
            });
        }
        *of_user += 1;
        Ok(())
    }

    fn give_back(&self, user_id: &str) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_user) = open.get_mut(user_id) {
            *of_user -= 1;
            if *of_user == 0 {
                open.remove(user_id);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.app.streams.give_back(&self.user_id);
    }
}

/// The events of a handler: each is sent, an error ends the stream.
pub type Events = Pin<Box<dyn Stream<Item = Result<Event, StreamEnd>> + Send>>;

/// Answers with a stream, as long as the caller has the right to it. `events` should wait inside for what is new, and may be dropped
/// whenever it waits; if it ends by itself, the client is told that what it was about is gone.
pub fn answer<A: AtLeast>(app: &Arc<App>, access: Manage<A>, events: Events) -> Result<Response, ApiError> {
    let user_id = access.user.user.id.clone();
    app.streams.take(&user_id)?;
    let mut prove = interval_at(Instant::now() + PROVE_EVERY, PROVE_EVERY);
    prove.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let open = Open {
        right: Right { user: access.user, workspace_id: access.workspace_id, needed: A::ROLE },
        events,
        ends_at: Instant::now() + LASTS,
        prove,
        is_over: false,
        seat: Seat { app: app.clone(), user_id },
    };
    let hello = Event::default().retry(RETRY).comment("open");
    let events = stream::once(async { Ok::<_, Infallible>(hello) }).chain(stream::unfold(open, Open::next));
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Not to be kept by anybody, and not to be held back by a reverse proxy until there is more of it.
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, events).into_response())
}

/// The end of a stream, as its client is told it.
pub fn end(reason: EndReason, message: impl Into<String>, again: bool) -> StreamEnd {
    StreamEnd { reason, message: message.into(), again }
}

/// A stream that is open.
struct Open {
    right: Right,
    events: Events,
    ends_at: Instant,
    prove: Interval,
    is_over: bool,
    seat: Seat,
}

impl Open {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if self.is_over {
            return None;
        }
        let event = match self.wait().await {
            Ok(event) => event,
            Err(end) => {
                self.is_over = true;
                Event::default().event("end").json_data(end).expect("plain data")
            }
        };
        Some((Ok(event), self))
    }

    async fn wait(&mut self) -> Result<Event, StreamEnd> {
        loop {
            tokio::select! {
                // In this order: however much there is to be told, the right to it is looked at.
                biased;
                () = self.seat.app.lifecycle.stopping() => {
                    return Err(end(EndReason::Stopping, "The server stops; connect again in a moment", true));
                }
                () = sleep_until(self.ends_at) => {
                    return Err(end(EndReason::TimeLimit, "This has been open for 15 minutes; connect again", true));
                }
                _ = self.prove.tick() => self.right.prove(&self.seat.app).await?,
                event = self.events.next() => {
                    let gone = || Err(end(EndReason::Gone, "There is nothing more to be told", false));
                    return event.unwrap_or_else(gone);
                }
            }
        }
    }
}

/// By what a stream was let in.
struct Right {
    user: UserCaller,
    workspace_id: WorkspaceId,
    needed: Role,
}

impl Right {
    /// Whether it still holds.
    async fn prove(&self, app: &App) -> Result<(), StreamEnd> {
        match tokio::time::timeout(PROVE_LIMIT, self.holds(app)).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => {
                let message = "You may not see this any longer: you were signed out, or your role has changed";
                Err(end(EndReason::RightEnded, message, false))
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the right to a stream cannot be proved");
                Err(end(EndReason::Failed, "The server cannot tell at the moment whether you may see this", true))
            }
            Err(_) => Err(end(EndReason::Failed, "The database does not answer at the moment", true)),
        }
    }

    async fn holds(&self, app: &App) -> Result<bool, ApiError> {
        let (db, now, id) = (&*app.db, app.now(), &self.user.credential_id);
        let signed_in = match self.user.kind {
            TokenKind::Session => db::sessions::is_valid(db, id, now).await?,
            _ => db::pats::is_valid(db, id, now).await?,
        };
        if !signed_in {
            return Ok(false);
        }
        let Some(user) = db::users::find(db, &self.user.user.id).await? else { return Ok(false) };
        let role = db::users::role_in(db, &user, &self.workspace_id).await?;
        if self.user.limits.in_workspace(self.workspace_id.as_str(), role) < self.needed {
            return Ok(false);
        }
        Ok(validity::pair(app, &self.workspace_id).await?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_bounded_for_each_user_and_for_the_server() {
        let streams = Streams::default();
        for _ in 0..OF_USER_MAX {
            streams.take("ada").expect("room");
        }
        let refused = streams.take("ada").expect_err("too many of one user");
        assert!(matches!(refused, ApiError::Invalid { status: StatusCode::TOO_MANY_REQUESTS, .. }), "{refused}");
        for number in OF_USER_MAX..ALL_MAX {
            streams.take(&format!("user {number}")).expect("room");
        }
        assert!(matches!(streams.take("bob"), Err(ApiError::NotReady(_))));
        streams.give_back("ada");
        streams.take("bob").expect("a place is free again");
        for number in OF_USER_MAX..ALL_MAX {
            streams.give_back(&format!("user {number}"));
        }
        (1..OF_USER_MAX).for_each(|_| streams.give_back("ada"));
        streams.give_back("bob");
        assert!(
            streams.open() == 0 && streams.0.lock().expect("no panic").is_empty(),
            "nothing is kept of who has gone"
        );
    }
}
