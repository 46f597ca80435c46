//! A consumer's life across tokens: from the session of a token that dies to the session of the next one.
//!
//! A session that begins reads from what its group has committed, which is less than what the program was given. So the consumer
//! remembers up to where that was, and hands out nothing before it again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::consumer::Consumer as _;

use super::{Consumer, context::lock, receive::store, session::Session};
use crate::{
    Error, Event,
    session::{Notice, first_contact},
};

impl Consumer {
    pub(super) async fn act_on(&mut self, notice: Notice) -> Option<Error> {
        let session = self.session.as_ref()?;
        match notice {
            Notice::Down(reason) => {
                let _ = self.client.events.send(Event::Disconnected { reason });
                if self.probe.is_none() {
                    let (asked, reporter) = (Arc::clone(&session.native), Arc::clone(&session.reporter));
                    let (topic, limit) = (self.topic.clone(), self.client.settings.connect_timeout);
                    self.probe = Some(tokio::spawn(async move {
                        let name = topic.clone();
                        let ask = move |limit| asked.client().fetch_metadata(Some(&name), limit);
                        first_contact(&topic, limit, &reporter, ask).await
                    }));
                }
                None
            }
            Notice::Certificate(reason) => Some(session.reporter.certificate(reason)),
            Notice::Refused(reason) | Notice::Suspect(reason) => {
                let epoch = session.connection.epoch;
                match self.client.credentials.renew(epoch).await {
                    Ok(connection) if connection.epoch > epoch => {
                        self.move_on(false);
                        None
                    }
                    // The API calls the token valid: its credentials may still be on their way to every broker.
                    Ok(_) => {
                        let since = *self.refused_since.get_or_insert_with(Instant::now);
                        let late = since.elapsed() > self.client.settings.connect_timeout;
                        late.then(|| session.reporter.refuses(reason))
                    }
                    Err(error) if error.is_transient() => {
                        tracing::debug!("{error}");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        self.session.as_ref()?.reporter.notice(Notice::Suspect(reason));
                        None
                    }
                    Err(error) => Some(error),
                }
            }
        }
    }

    /// The client has another token than this session: a move while the old one is still alive.
    pub(super) fn catch_up(&mut self) -> bool {
        self.epochs.mark_unchanged();
        let now = self.client.credentials.current();
        let session = self.session.as_ref();
        let moved = now.zip(session).is_some_and(|(now, session)| now.epoch > session.connection.epoch);
        if moved {
            self.move_on(true);
        }
        moved
    }

    /// Ends the session, so that the next round opens another one. What was handed out is not handed out again.
    pub(super) fn move_on(&mut self, planned: bool) {
        self.given.clone_from(&lock(&self.positions).done);
        self.end_session(planned);
        let _ = self.client.events.send(Event::ConsumerMoved { topic: self.topic.clone() });
    }

    /// `wait`: a session that can still commit and leave its group does so before the next one begins.
    pub(super) fn end_session(&mut self, wait: bool) {
        if let Some(probe) = self.probe.take() {
            probe.abort();
        }
        let Some(session) = self.session.take() else { return };
        store(&session.native, &self.topic, &self.positions);
        let end = move || drop(session);
        if wait {
            self.ending = Some(tokio::task::spawn_blocking(end));
        } else {
            // Closing waits for a broker that will not answer; nobody waits for that.
            std::thread::spawn(end);
        }
    }

    pub(super) async fn open_session(&mut self) -> Result<(), Error> {
        if let Some(ending) = &mut self.ending {
            let _ = tokio::time::timeout(self.client.settings.connect_timeout, ending).await;
            self.ending = None;
        }
        loop {
            let connection = self.client.credentials.get().await?;
            let config = (self.config)(&connection);
            let mut session =
                Session::new(&config, Arc::clone(&connection), &self.topic, &self.positions, &self.client.events)?;
            if self.member {
                let subscribed = session.native.subscribe(&[&self.topic]);
                subscribed.map_err(|error| Error::kafka("subscribing", error))?;
            }
            match session.contact(&self.client, &self.topic).await {
                Ok(first) => {
                    if !self.member {
                        let limit = self.client.settings.connect_timeout;
                        session.assign_all(&self.topic, self.start, &self.positions, limit).await?;
                    }
                    self.first = first;
                    self.refused_since = None;
                    self.session = Some(session);
                    return Ok(());
                }
                Err(error) => {
                    std::thread::spawn(move || drop(session));
                    let moved = self.client.credentials.current().is_some_and(|now| now.epoch > connection.epoch);
                    if !moved {
                        return Err(error);
                    }
                }
            }
        }
    }
}
