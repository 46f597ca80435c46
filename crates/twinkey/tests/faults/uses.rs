//! Single uses of a token, each reported to the judge: a request to a replica, a sign-in, a produce, a fetch.

use std::{sync::Arc, time::Instant};

use tokio::time::{Duration, error::Elapsed, timeout};
use twinkey_kafka_wire::client::ClientError;
use twinkey_testkit::{
    Method,
    kafka::{Credentials, fetch_request},
};

use crate::{
    faults::Trouble,
    load::Link,
    run::Run,
    tokens::{Part, Token},
};

/// How long a holder of a valid token waits. Longer than any pause of a default run.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// A dead token is throttled into silence by Kafka.
const PATIENCE_DEAD: Duration = Duration::from_secs(3);
/// Kafka's refusals of a principal: topic, group, cluster, transactional id, and the sign-in.
const REFUSALS: [i16; 5] = [29, 30, 31, 53, 58];
/// Not an error: a quota has emptied the answer, so that it says nothing about rights.
const EMPTIED: i16 = 0;
/// Not the leader: every client meets it when leaders move, and asks again.
const NOT_LEADER: i16 = 6;

/// Asks a replica something with the token. `kafka`: it needs Kafka to answer. Whether it was accepted; `None`: no verdict.
pub async fn ask(run: &Run, number: usize, token: &Token, path: &str, kafka: bool) -> Option<bool> {
    let part = Part::Replica(number);
    let api = &run.installation.replica(number).api;
    let request = api.request(Method::GET, path, &token.value).timeout(PATIENCE);
    let sent = Instant::now();
    match api.try_send(request).await {
        Ok(answer) => match answer.status.as_u16() {
            200 => {
                run.journal.count("uses of a valid token on replicas");
                token.was_accepted(part, sent, &run.journal);
                return Some(true);
            }
            401 | 403 => {
                token.was_refused(part, sent, &answer.text, &run.journal);
                return Some(false);
            }
            503 => run.met(Trouble::Unavailable, part, kafka, sent, &answer.text),
            status => run.journal.violation(format!("{part} answered {path} with {status}: {}", answer.text)),
        },
        Err(error) => run.met(Trouble::NoAnswer, part, kafka, sent, &format!("{error:?}")),
    }
    None
}

/// Signs in on a node.
pub async fn sign_in(run: &Run, token: &Arc<Token>, node: usize) -> Option<Link> {
    let part = Part::Node(node);
    let address = run.installation.kafka.address(node).to_owned();
    let credentials = Credentials { address, ..token.credentials.clone() };
    let sent = Instant::now();
    match timeout(patience(token), credentials.sign_in()).await {
        Ok(Ok(stream)) => {
            run.journal.count("sign-ins on Kafka accepted");
            token.was_accepted(part, sent, &run.journal);
            return Some(Link { token: token.clone(), node, stream });
        }
        Ok(Err(error @ (ClientError::Refused { .. } | ClientError::Scram(_)))) => {
            token.was_refused(part, sent, &error.to_string(), &run.journal);
        }
        Ok(Err(error)) => trouble(run, token, part, sent, &error.to_string()),
        Err(_) => trouble(run, token, part, sent, "no answer to a sign-in"),
    }
    None
}

/// Which node leads a topic.
pub async fn leader(run: &Run, link: &mut Link, topic: &str) -> Option<usize> {
    let sent = Instant::now();
    let answer = timeout(patience(&link.token), link.stream.leader(topic)).await;
    usize::try_from(outcome(run, link, sent, answer)?).ok()
}

/// Appends a record. `false`: look for the leader, or connect again.
pub async fn produce(run: &Run, link: &mut Link, topic: &'static str) -> bool {
    let sent = Instant::now();
    let number = run.records.begin(&link.token, Part::Node(link.node), sent);
    let answer = timeout(patience(&link.token), link.stream.produce(topic, &number.to_string())).await;
    let offset = outcome(run, link, sent, answer);
    if let Some(offset) = offset {
        run.records.acknowledged(topic, offset, number);
        run.journal.count("records acknowledged");
    }
    offset.is_some()
}

/// Reads. `None`: look for the leader, or connect again.
pub async fn fetch(run: &Run, link: &mut Link, topic: &str, offset: i64, wait: Duration) -> Option<Vec<String>> {
    let sent = Instant::now();
    let limit = patience(&link.token) + wait;
    let answer = timeout(limit, link.stream.fetch(topic, offset, wait.as_millis() as i32)).await;
    outcome(run, link, sent, answer)
}

/// Reads, but is parked on the broker until `wait` has passed, whatever arrives meanwhile. A record that it brings is as
/// good as a use of the token at the time when that record was sent.
pub async fn park(run: &Run, link: &mut Link, topic: &'static str, wait: Duration) -> bool {
    let part = Part::Node(link.node);
    let offset = run.records.position(topic);
    let request = fetch_request(topic, offset, wait.as_millis() as i32).with_min_bytes(1 << 24);
    let sent = Instant::now();
    let answer = timeout(PATIENCE + wait, link.stream.fetch_as(request)).await;
    if matches!(answer, Ok(Ok(Err(EMPTIED)))) && link.token.is_doomed() {
        // This is how the quota of a cut-off shows itself in a fetch that was parked before.
        run.journal.count("fetches parked over a cut-off that came back empty");
        return false;
    }
    let Some(values) = outcome(run, link, sent, answer) else { return false };
    let token = &link.token;
    if let Some(newest) = run.records.newest(&values) {
        token.was_accepted(part, newest, &run.journal);
    }
    match token.died_on(part) {
        Some(since) if since > sent => run.journal.count("fetches parked over a cut-off that brought older records"),
        _ => run.journal.count("fetches parked by a valid token"),
    }
    true
}

/// Reports what became of a request on an open connection.
fn outcome<T>(
    run: &Run,
    link: &Link,
    sent: Instant,
    answer: Result<Result<Result<T, i16>, ClientError>, Elapsed>,
) -> Option<T> {
    let (token, part) = (&link.token, Part::Node(link.node));
    match answer {
        Ok(Ok(Ok(value))) => {
            run.journal.count("uses of a valid token on Kafka");
            token.was_accepted(part, sent, &run.journal);
            return Some(value);
        }
        Ok(Ok(Err(code))) if REFUSALS.contains(&code) => {
            token.was_refused(part, sent, &format!("error {code}"), &run.journal);
        }
        Ok(Ok(Err(code))) => {
            // Kafka looks at rights first: whoever learns that another node leads was let through.
            if code > 0 {
                token.was_accepted(part, sent, &run.journal);
            }
            if code != NOT_LEADER && !token.is_doomed() {
                run.met(Trouble::KafkaError, part, true, sent, &format!("error {code}"));
            }
        }
        Ok(Err(error)) => trouble(run, token, part, sent, &error.to_string()),
        Err(_) => trouble(run, token, part, sent, "no answer"),
    }
    None
}

/// Kafka may be silent to a token that is dead; to one that is valid it may not.
fn trouble(run: &Run, token: &Token, part: Part, sent: Instant, words: &str) {
    if token.is_doomed() {
        run.journal.count("uses of a dead token that Kafka did not answer");
    } else {
        run.met(Trouble::NoAnswer, part, true, sent, words);
    }
}

fn patience(token: &Token) -> Duration {
    if token.is_doomed() { PATIENCE_DEAD } else { PATIENCE }
}
