//! A producer's life across tokens: from the session of a token that dies to the session of the next one.
//!
//! What holds across such a move, and why. librdkafka numbers the messages of one session and the broker recognises a message
//! that comes twice, but a new session has a new producer id, so this recognition ends where the session ends.
//!
//! * A *planned* move (the program or a watched file changes the token while the old one is still alive) waits until the old
//!   session has been acknowledged everything. Then nothing is sent twice, and nothing can be lost or doubled.
//! * A *forced* move (the token died) takes everything back that was not acknowledged and sends it again, in order. Nothing is
//!   lost. What had not been sent yet cannot be doubled. What was on its way when the broker closed the connection may have
//!   been written without its acknowledgement coming through: these few are *in doubt*, are counted in
//!   [`Event::ProducerMoved`], and only they can be there twice.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use rdkafka::producer::Producer as _;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Inner, session::Session};
use crate::{Error, Event, Message, credentials::Connection, session::Notice};

/// How often the API is asked again while it does not answer.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How a session may end.
#[derive(Clone, Copy, PartialEq)]
enum Move {
    Planned,
    Forced,
}

/// Watches over a producer's session until the producer is gone.
pub(super) async fn supervise(producer: Weak<Inner>, mut notices: UnboundedReceiver<Notice>) {
    let Some(mut epochs) = producer.upgrade().map(|inner| inner.client.credentials.watch()) else { return };
    let mut refused_since = None;
    loop {
        let notice = tokio::select! {
            notice = notices.recv() => match notice {
                Some(notice) => Some(notice),
                None => return,
            },
            changed = epochs.changed() => match changed {
                Ok(()) => None,
                Err(_) => return,
            },
        };
        let Some(inner) = producer.upgrade() else { return };
        let session = inner.session.read().await.clone();
        let moved = match notice {
            None => inner.catch_up(&session).await,
            Some(notice) => inner.act_on(&session, notice, &mut refused_since).await,
        };
        if let Some(receiver) = moved {
            notices = receiver;
            refused_since = None;
        }
    }
}

impl Inner {
    /// The client has another token than this session: a planned move.
    async fn catch_up(&self, session: &Arc<Session>) -> Option<UnboundedReceiver<Notice>> {
        let connection = self.client.credentials.current()?;
        if connection.epoch <= session.connection.epoch {
            return None;
        }
        self.move_to(connection, Move::Planned).await
    }

    async fn act_on(
        &self,
        session: &Arc<Session>,
        notice: Notice,
        refused_since: &mut Option<Instant>,
    ) -> Option<UnboundedReceiver<Notice>> {
        match notice {
            Notice::Down(reason) => {
                let _ = self.client.events.send(Event::Disconnected { reason });
                None
            }
            Notice::Certificate(reason) => {
                self.fail(session, session.shared.reporter.certificate(reason)).await;
                None
            }
            Notice::Refused(reason) | Notice::Suspect(reason) if session.shared.failed.get().is_none() => {
                match self.client.credentials.renew(session.connection.epoch).await {
                    Ok(connection) if connection.epoch > session.connection.epoch => {
                        return self.move_to(connection, Move::Forced).await;
                    }
                    // The API calls the token valid: its credentials may still be on their way to every broker.
                    Ok(_) => {
                        session.shared.refuse_returned();
                        let since = *refused_since.get_or_insert_with(Instant::now);
                        if since.elapsed() > self.client.settings.connect_timeout {
                            self.fail(session, session.shared.reporter.refuses(reason)).await;
                        }
                    }
                    Err(error) if error.is_transient() => {
                        tracing::debug!("{error}");
                        tokio::time::sleep(ASK_AGAIN).await;
                        session.shared.reporter.notice(Notice::Suspect(reason));
                    }
                    Err(error) => self.fail(session, error).await,
                }
                None
            }
            Notice::Refused(_) | Notice::Suspect(_) => None,
        }
    }

    /// Ends a session that cannot deliver anything any more: what waits gets the error, what comes gets it too.
    async fn fail(&self, session: &Arc<Session>, error: Error) {
        tracing::debug!("the producer for {} ends: {error}", self.topic);
        if session.shared.failed.set(error).is_err() {
            return;
        }
        session.shared.refuse_returned();
        let session = Arc::clone(session);
        let _ = tokio::task::spawn_blocking(move || session.purge()).await;
    }

    /// Replaces the session. Senders wait for as long as this takes.
    async fn move_to(&self, connection: Arc<Connection>, how: Move) -> Option<UnboundedReceiver<Notice>> {
        let mut current = self.session.write().await;
        let old = Arc::clone(&current);
        if connection.epoch <= old.connection.epoch {
            return None;
        }
        let limit = self.client.settings.connect_timeout;
        let _ = tokio::task::spawn_blocking(move || {
            if how == Move::Planned && old.native.flush(limit).is_ok() {
                return;
            }
            old.shared.moving.store(true, Ordering::Release);
            old.purge();
        })
        .await;
        let (session, notices) = match self.open(connection) {
            Ok(opened) => opened,
            Err(error) => {
                // The settings were good for the session before; what waits is told rather than lost.
                let _ = current.shared.failed.set(error);
                current.shared.refuse_returned();
                return None;
            }
        };
        let returned = current.shared.take_returned();
        let (resent, in_doubt) = (returned.len(), returned.iter().filter(|it| it.in_doubt).count());
        for returned in returned {
            let message = Message::from(returned.message);
            let mut pending = returned.pending;
            while let Err(full) = session.enqueue(&self.topic, &message, pending) {
                pending = full;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let old = std::mem::replace(&mut *current, session);
        drop(current);
        // Destroying it waits for its threads. Not on the runtime, whose end would wait for that too.
        std::thread::spawn(move || drop(old));
        tracing::debug!(
            "the producer for {} has moved; {resent} messages are sent again, {in_doubt} in doubt",
            self.topic
        );
        let _ = self.client.events.send(Event::ProducerMoved { topic: self.topic.clone(), resent, in_doubt });
        Some(notices)
    }
}
