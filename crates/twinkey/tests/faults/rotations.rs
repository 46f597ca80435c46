//! Rotations, one after the other at a random replica, and what each of them claims.
//!
//! A claim is held against what follows: the generation that an answer leaves behind is the one that the next rotation
//! expects, so that a rotation that took effect although it said that it had not, or twice, is found by the next one.

use std::{sync::Arc, time::Instant};

use rand::RngExt;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};
use twinkey_testkit::{Method, kafka::Credentials};

use crate::{
    faults::Fault,
    installation::{NODES, REPLICAS},
    load,
    run::{Run, STARVED},
    tokens::{Part, Token},
};

/// How long the caller of a rotation waits. Whatever becomes of it afterwards, it takes effect once or not at all.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a question may take until it is put to another replica.
const ASK: Duration = Duration::from_secs(5);
/// For how long a replica may trust its memory, and a bit.
const LEASE: Duration = Duration::from_millis(600);
/// How long anything that a rotation leaves behind may take, faults included.
const SETTLED: Duration = Duration::from_mins(4);

/// What a rotation was answered.
enum Answer {
    /// It took effect; the brokers that may still serve the dead token. `None`: any.
    Rotated { open: Vec<Option<i32>> },
    /// Nothing was changed, it says.
    Unchanged(String),
    /// Another generation was found, it says.
    Stale(String),
    /// Nobody knows.
    Unknown(String),
}

/// Rotates until the run ends.
pub async fn go_on(run: Arc<Run>) {
    loop {
        {
            let mut rotating = run.rotating.lock().await;
            rotate(&run, &mut rotating.uncertain).await;
        }
        let pause = rand::rng().random_range(50..450);
        sleep(Duration::from_millis(pause)).await;
    }
}

async fn rotate(run: &Arc<Run>, uncertain: &mut bool) {
    let (journal, tokens) = (&run.journal, &run.tokens);
    let generation = tokens.generation();
    let number = rand::rng().random_range(1..=REPLICAS);
    tokens.current().doom();
    let sent = Instant::now();
    let answer = ask(run, number, generation).await;
    let answered = Instant::now();
    let took = answered - sent;
    let excused = took > STARVED || run.faulty(sent, |fault| fault != Fault::NotifyLost);
    let told = |what: &str| {
        journal.note(format!("rotation {} at replica {number}, {} ms: {what}", generation + 1, took.as_millis()));
    };
    match answer {
        Answer::Rotated { open } => {
            told(&if open.is_empty() { "200".to_owned() } else { format!("202, open: {open:?}") });
            journal.took("a rotation", took);
            journal.count(if open.is_empty() { "rotations answered 200" } else { "rotations answered 202" });
            *uncertain = false;
            if !open.is_empty() && !excused {
                journal.violation(format!("a rotation was answered 202 without a reason: {open:?}"));
            }
            let nodes: Vec<usize> = (1..=NODES).filter(|node| open_on(&open, *node)).collect();
            let closed = (1..=NODES).filter(|node| !nodes.contains(node)).map(Part::Node);
            tokens.current().died((1..=REPLICAS).map(Part::Replica).chain(closed), answered, journal);
            let rotated = take_over(run, &nodes).await;
            if !open.is_empty() {
                tokio::spawn(wait_for_proof(run.clone(), rotated, answered, "from 202 to the proof"));
            }
        }
        Answer::Unchanged(words) => {
            told(&words);
            journal.count("rotations that changed nothing, and said so");
            if !excused {
                journal.violation(format!("replica {number} refused a rotation without a reason: {words}"));
            }
            // An earlier one may still be under way.
            if !*uncertain {
                tokens.current().spare();
            }
        }
        Answer::Stale(words) if !*uncertain => {
            journal.violation(format!("an answer has said that nothing was changed, or it was done twice: {words}"));
            settle(run, uncertain).await;
        }
        Answer::Stale(words) => {
            told(&words);
            settle(run, uncertain).await;
        }
        Answer::Unknown(words) => {
            told(&words);
            journal.count("rotations of which the caller learned nothing");
            if !excused {
                journal.violation(format!("replica {number} did not say what became of a rotation: {words}"));
            }
            *uncertain = true;
            settle(run, uncertain).await;
        }
    }
}

async fn ask(run: &Run, number: usize, generation: i64) -> Answer {
    let api = &run.installation.replica(number).api;
    let body = json!({"expectedGeneration": generation, "force": true, "reason": "faults"});
    let request = api.request(Method::POST, "/workspaces/demo/tokens/rotate", &run.installation.admin);
    let answer = match api.try_send(request.json(&body).timeout(PATIENCE)).await {
        Ok(answer) => answer,
        Err(error) => return Answer::Unknown(format!("{error:?}")),
    };
    let words = format!("{} {}", answer.status, answer.text);
    match answer.status.as_u16() {
        status @ (200 | 202) => {
            let body = answer.json();
            let now = body["generation"].as_i64();
            if now != Some(generation + 1) {
                run.journal.violation(format!("a rotation of generation {generation} led to {now:?}"));
            }
            let open: Vec<Option<i32>> = body["cutOff"]["open"]
                .as_array()
                .map(|list| list.iter().map(|open| open["id"].as_i64().map(|id| id as i32)).collect())
                .unwrap_or_default();
            if (status == 202) == open.is_empty() {
                run.journal.violation(format!("a rotation was answered {status} with open brokers {open:?}"));
            }
            Answer::Rotated { open }
        }
        409 => Answer::Stale(words),
        503 if answer.json()["code"] == "OutcomeUnknown" => Answer::Unknown(words),
        503 => Answer::Unchanged(words),
        _ => {
            run.journal.violation(format!("replica {number} answered a rotation with {words}"));
            Answer::Unknown(words)
        }
    }
}

/// Whether a node may still serve the dead token, according to an answer.
fn open_on(open: &[Option<i32>], node: usize) -> bool {
    open.iter().any(|id| id.is_none_or(|id| usize::try_from(id) == Ok(node)))
}

/// Looks whether the rotation took effect, and takes it over if so.
async fn settle(run: &Arc<Run>, uncertain: &mut bool) {
    let asked = Instant::now();
    let pair = pair(run).await;
    let (known, found) = (run.tokens.generation(), pair["generation"].as_i64().expect("a number"));
    if found == known + 1 {
        run.journal.note(format!("rotation {found} did take effect"));
        run.journal.count("rotations that took effect unseen");
        *uncertain = false;
        // Which brokers it has reached is not known.
        let rotated = take_over(run, &[1, 2, 3]).await;
        tokio::spawn(wait_for_proof(run.clone(), rotated, asked, "from an answer that was lost to the proof"));
    } else if found != known {
        run.journal.violation(format!("generation {found} was found, {known} or {} can be", known + 1));
    }
}

/// The two tokens that a rotation has changed.
struct Rotated {
    /// The former Token 1.
    dead: Arc<Token>,
    /// The new Token 2.
    fresh: Arc<Token>,
}

/// Learns the fresh Token 2 of a rotation that took effect. `open` are the nodes that may not know it yet.
async fn take_over(run: &Arc<Run>, open: &[usize]) -> Rotated {
    let deadline = Instant::now() + SETTLED;
    loop {
        match reveal(run, "next", open).await {
            Ok(fresh) => {
                let fresh = Arc::new(fresh);
                let dead = run.tokens.rotated(fresh.clone());
                load::follow(run, &fresh);
                return Rotated { dead, fresh };
            }
            Err(words) => {
                assert!(Instant::now() < deadline, "the fresh Token 2 cannot be learned: {words}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Waits until the API says that no broker serves the token any more, and holds it to that from then on.
async fn wait_for_proof(run: Arc<Run>, Rotated { dead, fresh }: Rotated, since: Instant, what: &'static str) {
    loop {
        let pair = pair(&run).await;
        let answered = Instant::now();
        let list = pair["cuttingOff"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !list.iter().any(|open| open["id"] == *dead.id) {
            run.journal.note(format!("{} is cut off everywhere", dead.id));
            run.journal.took(what, answered - since);
            dead.died((1..=NODES).map(Part::Node), answered, &run.journal);
            // If the rotation was not answered, nobody has said that the replicas know; what they remember ends with a lease.
            dead.died((1..=REPLICAS).map(Part::Replica), answered + LEASE, &run.journal);
            fresh.known_everywhere();
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// The workspace's tokens, from whichever replica answers.
pub async fn pair(run: &Run) -> Value {
    let deadline = Instant::now() + SETTLED;
    loop {
        let number = rand::rng().random_range(1..=REPLICAS);
        let api = &run.installation.replica(number).api;
        let request = api.request(Method::GET, "/workspaces/demo/tokens", &run.installation.admin).timeout(ASK);
        let seen = match api.try_send(request).await {
            Ok(answer) if answer.status == 200 => return answer.json(),
            Ok(answer) => format!("{} {}", answer.status, answer.text),
            Err(error) => format!("{error:?}"),
        };
        assert!(Instant::now() < deadline, "nobody tells the generation: {seen}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A valid token as the API shows it, from a random replica, with what that replica gives for it.
pub async fn reveal(run: &Run, slot: &str, open: &[usize]) -> Result<Token, String> {
    let number = rand::rng().random_range(1..=REPLICAS);
    let (api, admin) = (&run.installation.replica(number).api, &run.installation.admin);
    let path = format!("/workspaces/demo/tokens/{slot}/reveal");
    let request = api.request(Method::POST, &path, admin).json(&json!({})).timeout(ASK);
    let revealed = succeeded(api.try_send(request).await)?;
    let text = |key: &str| revealed[key].as_str().expect("text").to_owned();
    let (id, value) = (text("id"), text("value"));
    let request = api.request(Method::GET, "/workspaces/demo/broker/librdkafka", &value).timeout(ASK);
    let credentials = Credentials::from_librdkafka(&succeeded(api.try_send(request).await)?);
    Ok(Token::new(id, value, credentials, open))
}

fn succeeded(answer: Result<twinkey_testkit::Answer, impl std::fmt::Debug>) -> Result<Value, String> {
    match answer {
        Ok(answer) if answer.status == 200 => Ok(answer.json()),
        Ok(answer) => Err(format!("{} {}", answer.status, answer.text)),
        Err(error) => Err(format!("{error:?}")),
    }
}
