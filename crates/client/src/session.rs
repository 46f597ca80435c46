//! What producers and consumers have in common: hearing what librdkafka reports, and the first contact with a broker.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    config::RDKafkaLogLevel,
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    metadata::Metadata,
};
use tokio::sync::{mpsc, oneshot};

use crate::{Error, credentials::Connection};

/// How long librdkafka is asked at once; between two questions the asking can end.
const SLICE: Duration = Duration::from_millis(200);

/// Something that librdkafka reports and that needs an action.
#[derive(Debug, Clone)]
pub(crate) enum Notice {
    /// The broker does not accept the credentials, or not any longer.
    Refused(String),
    /// The broker's certificate is not signed by the CA.
    Certificate(String),
    /// A connection failed, or no broker is left.
    Down(String),
    /// A message came back with an error that a dead token causes, among others.
    Suspect(String),
}

/// Hears what librdkafka reports.
pub(crate) struct Reporter {
    notices: mpsc::UnboundedSender<Notice>,
    last: Mutex<Option<String>>,
    connection: Arc<Connection>,
}

impl Reporter {
    pub(crate) fn new(connection: Arc<Connection>) -> (Self, mpsc::UnboundedReceiver<Notice>) {
        let (notices, receiver) = mpsc::unbounded_channel();
        (Self { notices, last: Mutex::default(), connection }, receiver)
    }

    /// For `ClientContext::error`.
    pub(crate) fn error(&self, error: &KafkaError, reason: &str) {
        // `sasl_ssl://localhost:9092/1: SASL authentication error: …` begins with what the sentence around it says as well.
        let reason =
            reason.split_once(": ").filter(|(place, _)| place.contains("://")).map_or(reason, |(_, rest)| rest);
        tracing::debug!("librdkafka: {error}: {reason}");
        let notice = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => {
                Notice::Refused(reason.into())
            }
            Some(RDKafkaErrorCode::SSL) if reason.contains("certificate") => Notice::Certificate(reason.into()),
            Some(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::SSL,
            ) => Notice::Down(reason.into()),
            Some(
                RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed,
            ) => Notice::Suspect(reason.into()),
            _ => return,
        };
        // "All brokers are down" says less than what came before it.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) || last.is_none() {
            *last = Some(reason.to_owned());
        }
        drop(last);
        self.notice(notice);
    }

    pub(crate) fn notice(&self, notice: Notice) {
        // The receiver is gone when the session has ended.
        let _ = self.notices.send(notice);
    }

    /// What failed last, for a sentence.
    pub(crate) fn last(&self) -> String {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().unwrap_or_else(|| "no answer".into())
    }

    pub(crate) fn unreachable(&self) -> Error {
        Error::BrokerUnreachable { address: self.connection.address.clone(), reason: self.last() }
    }

    pub(crate) fn certificate(&self, reason: String) -> Error {
        Error::BrokerCertificate { address: self.connection.address.clone(), reason }
    }

    pub(crate) fn refuses(&self, reason: String) -> Error {
        let (address, token) = (self.connection.address.clone(), self.connection.token.clone());
        Error::BrokerRefuses { address, token, reason }
    }
}

/// For `ClientContext::log`.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            // What is an error to librdkafka becomes a typed error or an event of this library.
            tracing::debug!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Warning => tracing::debug!(target: "librdkafka", facility, "{message}"),
        _ => tracing::trace!(target: "librdkafka", facility, "{message}"),
    }
}

/// Asks for the metadata of a topic until a broker answers that knows it. Ends early when the future is dropped.
pub(crate) async fn first_contact<F>(topic: &str, limit: Duration, reporter: &Reporter, ask: F) -> Result<(), Error>
where
    F: Fn(Duration) -> KafkaResult<Metadata> + Send + 'static,
{
    struct Stop(Arc<AtomicBool>);
    impl Drop for Stop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = Stop(Arc::default());
    let (stopped, name) = (Arc::clone(&stop.0), topic.to_owned());
    let deadline = Instant::now() + limit;
    let (reply, answer) = oneshot::channel();
    // A thread of its own and not one of the runtime: what it holds may be the last part of a session that takes long to
    // close, and the end of a runtime waits for its threads.
    std::thread::spawn(move || {
        let outcome = loop {
            let outcome = match ask(SLICE) {
                Ok(metadata) => match metadata.topics().iter().find(|it| it.name() == name) {
                    Some(found) => found.error().map_or(Ok(()), |error| Err(Some(RDKafkaErrorCode::from(error)))),
                    None => Err(Some(RDKafkaErrorCode::UnknownTopicOrPartition)),
                },
                Err(_) => Err(None),
            };
            match outcome {
                Err(Some(code)) if code == RDKafkaErrorCode::TopicAuthorizationFailed => break Err(Some(code)),
                Err(code) if Instant::now() > deadline || stopped.load(Ordering::Relaxed) => break Err(code),
                Ok(()) => break Ok(()),
                // A new topic takes a moment to become known to every broker.
                Err(Some(_)) => std::thread::sleep(Duration::from_millis(50)),
                Err(None) => {}
            }
        };
        // Nobody waits any more if the asking was ended.
        let _ = reply.send(outcome);
    });
    match answer.await.unwrap_or(Err(None)) {
        Ok(()) => Ok(()),
        Err(None) => Err(reporter.unreachable()),
        Err(Some(RDKafkaErrorCode::TopicAuthorizationFailed)) => Err(Error::NotAllowed {
            topic: topic.to_owned(),
            reason: "the broker does not let it see the topic".into(),
        }),
        Err(Some(code)) => Err(Error::TopicNotReady { topic: topic.to_owned(), reason: code.to_string() }),
    }
}

/// What a notice means during the first contact: an error if waiting is of no use.
pub(crate) async fn decide(
    client: &crate::client::Shared,
    reporter: &Reporter,
    epoch: u64,
    notice: Notice,
) -> Result<(), Error> {
    match notice {
        Notice::Down(_) => Ok(()),
        Notice::Certificate(reason) => Err(reporter.certificate(reason)),
        Notice::Refused(reason) | Notice::Suspect(reason) => match client.credentials.renew(epoch).await {
            // Another token is in use now: this session is of no use, its caller makes another one.
            Ok(connection) if connection.epoch > epoch => Err(reporter.refuses(reason)),
            // The API calls the token valid: its credentials may still be on their way to every broker.
            Ok(_) => Ok(()),
            Err(error) if error.is_transient() => Ok(()),
            Err(error) => Err(error),
        },
    }
}
