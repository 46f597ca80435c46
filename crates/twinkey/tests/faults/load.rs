//! What goes on all the time: holders of valid tokens on every replica and on Kafka, and former holders who keep trying.

use std::sync::Arc;

use rand::RngExt;
use tokio::{
    task::JoinSet,
    time::{Duration, Instant, sleep},
};
use twinkey_testkit::Stream;

use crate::{
    installation::{NODES, REPLICAS, TOPICS},
    run::Run,
    tokens::{Part, Token},
    uses,
};

/// What every client of the library asks first.
pub const CREDENTIALS: &str = "/workspaces/demo/broker/librdkafka";
/// So long a former holder keeps trying on the connections that he had.
const TENACITY: Duration = Duration::from_secs(5);
/// So long a fetch is parked: it is under way when its token dies, and for a while afterwards.
const PARKED: Duration = Duration::from_secs(3);

/// A pause that begins with what was done since `begun`: a machine that is slow is asked less.
async fn pause(begun: Instant, milliseconds: u64) {
    sleep(begun.elapsed().min(Duration::from_secs(1)).max(Duration::from_millis(milliseconds))).await;
}

/// Starts it. It ends with the set.
pub fn start(run: &Arc<Run>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for number in 1..=REPLICAS {
        tasks.spawn(holder(run.clone(), number));
        tasks.spawn(former_holder(run.clone(), number));
    }
    for node in 1..=NODES {
        tasks.spawn(intruder(run.clone(), node));
    }
    for topic in TOPICS {
        tasks.spawn(producer(run.clone(), topic));
        tasks.spawn(reader(run.clone(), topic));
    }
    for token in [run.tokens.current(), run.tokens.next()] {
        follow(run, &token);
    }
    tasks
}

/// Opens connections with a token that is valid now, which are used until it is dead and for a while after that.
pub fn follow(run: &Arc<Run>, token: &Arc<Token>) {
    for node in 1..=NODES {
        tokio::spawn(veteran(run.clone(), token.clone(), node));
    }
    tokio::spawn(patient(run.clone(), token.clone()));
}

/// Both valid tokens on a replica, Token 2 more often. Exactly two are valid: these, while the dead ones are refused.
async fn holder(run: Arc<Run>, number: usize) {
    for turn in 0_u64.. {
        let begun = Instant::now();
        let token = if turn % 3 == 2 { run.tokens.current() } else { run.tokens.next() };
        let (path, kafka) = if turn % 16 == 15 { ("/demo/topics", true) } else { (CREDENTIALS, false) };
        uses::ask(&run, number, &token, path, kafka).await;
        pause(begun, 20).await;
    }
}

/// The dead tokens on a replica.
async fn former_holder(run: Arc<Run>, number: usize) {
    loop {
        for token in run.tokens.dead() {
            let begun = Instant::now();
            uses::ask(&run, number, &token, CREDENTIALS, false).await;
            pause(begun, 15).await;
        }
        sleep(Duration::from_millis(15)).await;
    }
}

/// The dead tokens on a node: a sign-in, and whatever is possible behind it.
async fn intruder(run: Arc<Run>, node: usize) {
    loop {
        for token in run.tokens.dead().into_iter().take(4) {
            let begun = Instant::now();
            if let Some(mut link) = uses::sign_in(&run, &token, node).await {
                uses::fetch(&run, &mut link, TOPICS[0], 0, Duration::ZERO).await;
            }
            pause(begun, 80).await;
        }
        sleep(Duration::from_millis(80)).await;
    }
}

/// Produces with Token 2 to the leader of a topic, and moves to the new Token 2 when there is one.
async fn producer(run: Arc<Run>, topic: &'static str) {
    let mut link: Option<Link> = None;
    loop {
        let begun = Instant::now();
        match Link::to_leader(&run, link.take(), topic).await {
            Some(mut open) => {
                if uses::produce(&run, &mut open, topic).await {
                    link = Some(open);
                }
                pause(begun, 15).await;
            }
            None => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Reads everything with Token 2, in order.
async fn reader(run: Arc<Run>, topic: &'static str) {
    let mut link: Option<Link> = None;
    loop {
        let begun = Instant::now();
        match Link::to_leader(&run, link.take(), topic).await {
            Some(mut open) => {
                let offset = run.records.position(topic);
                if let Some(values) = uses::fetch(&run, &mut open, topic, offset, Duration::from_millis(250)).await {
                    run.records.read(topic, offset, &values);
                    link = Some(open);
                }
                pause(begun, 20).await;
            }
            None => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// One connection to one node, opened while the token was valid.
async fn veteran(run: Arc<Run>, token: Arc<Token>, node: usize) {
    let part = Part::Node(node);
    let mut link = loop {
        if token.is_dead_on(part) {
            return;
        }
        match uses::sign_in(&run, &token, node).await {
            Some(link) => break link,
            None => sleep(Duration::from_millis(200)).await,
        }
    };
    for turn in 0.. {
        let begun = Instant::now();
        let topic = TOPICS[turn % TOPICS.len()];
        let died = token.died_on(part);
        if died.is_some_and(|since| since.elapsed() > TENACITY) {
            return;
        }
        if died.is_some() && turn % 2 == 0 {
            uses::produce(&run, &mut link, topic).await;
        } else {
            let offset = run.records.position(topic);
            uses::fetch(&run, &mut link, topic, offset, Duration::ZERO).await;
        }
        pause(begun, if died.is_some() { 80 } else { 200 }).await;
    }
}

/// Fetches that are parked on a broker, one after the other, until the token is refused.
async fn patient(run: Arc<Run>, token: Arc<Token>) {
    let topic = TOPICS[rand::rng().random_range(0..TOPICS.len())];
    loop {
        if let Some(mut link) = Link::to_leader_with(&run, &token, topic).await {
            while uses::park(&run, &mut link, topic, PARKED).await {}
        }
        if token.is_doomed() {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// A connection to the node that leads a topic.
pub struct Link {
    /// Whose it is.
    pub token: Arc<Token>,
    /// The node.
    pub node: usize,
    /// The connection.
    pub stream: Stream,
}

impl Link {
    /// The one that there is, unless Token 2 is another one by now.
    async fn to_leader(run: &Run, open: Option<Self>, topic: &str) -> Option<Self> {
        let token = run.tokens.next();
        match open {
            Some(open) if Arc::ptr_eq(&open.token, &token) => Some(open),
            _ => Self::to_leader_with(run, &token, topic).await,
        }
    }

    /// Asks the nodes, from a random one on, who leads.
    async fn to_leader_with(run: &Run, token: &Arc<Token>, topic: &str) -> Option<Self> {
        let first = rand::rng().random_range(0..NODES);
        for at in 0..NODES {
            let node = (first + at) % NODES + 1;
            let Some(mut link) = uses::sign_in(run, token, node).await else { continue };
            match uses::leader(run, &mut link, topic).await {
                Some(leader) if leader == node => return Some(link),
                Some(leader) if (1..=NODES).contains(&leader) => {
                    if let Some(link) = uses::sign_in(run, token, leader).await {
                        return Some(link);
                    }
                }
                _ => {}
            }
        }
        None
    }
}
