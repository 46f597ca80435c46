//! B4 seen by clients: nothing of a dead principal is taken after the answer, and the other token notices nothing.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use twinkey_kafka_admin::{Mechanism, topics::NewTopic};
use twinkey_kafka_wire::client::Client;
use twinkey_testbed::kafka::Kafka;

use crate::{
    support::{SOON, admin, fetch, principal, produce, sign_in, topic, unique},
    turn,
};

/// Which of the three nodes leads partition 0 of the topic: the one that takes a record.
async fn leader(kafka: &Kafka, user: &str, topic: &str) -> Client {
    let deadline = Instant::now() + SOON;
    loop {
        for node in 1..=3 {
            let mut client = sign_in(kafka, node, user, Mechanism::Sha256).await.unwrap();
            if produce(&mut client, topic, "hello").await.unwrap() == 0 {
                return client;
            }
        }
        assert!(Instant::now() < deadline, "nobody leads {topic}");
    }
}

/// When each request was sent, and whether it was carried out.
type Log = Arc<Mutex<Vec<(Instant, bool)>>>;

/// What a client does all the time.
#[derive(Clone, Copy)]
enum Work {
    Produce,
    Fetch,
}

/// Works until it is told to stop.
async fn hammer(mut client: Client, work: Work, topic: String, log: Log, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let sent = Instant::now();
        let done = match work {
            Work::Produce => produce(&mut client, &topic, "more").await.unwrap() == 0,
            Work::Fetch => {
                let fetched = fetch(&mut client, &topic, 0, Duration::ZERO, false).await.unwrap();
                fetched.is_ok_and(|values| !values.is_empty())
            }
        };
        log.lock().unwrap().push((sent, done));
        if !done {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_g3_nothing_sent_after_the_answer_is_taken_and_the_other_token_notices_nothing() {
    let kafka = turn().await;
    let cluster = admin(&kafka);
    let workspace = unique("w");
    let topic = topic(&cluster, &workspace).await;
    let (dead, living) = (principal(&workspace), principal(&workspace));
    cluster.ensure_principals(&[dead.clone(), living.clone()]).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (mut tasks, mut logs) = (Vec::new(), Vec::new());
    for (user, work) in [(&living, Work::Produce), (&living, Work::Fetch), (&dead, Work::Produce), (&dead, Work::Fetch)]
    {
        let (client, log) = (leader(&kafka, &user.name, &topic).await, Log::default());
        logs.push(log.clone());
        tasks.push(tokio::spawn(hammer(client, work, topic.clone(), log, stop.clone())));
    }
    let busy = |log: &Log| log.lock().unwrap().iter().filter(|(_, done)| *done).count() > 50;
    let deadline = Instant::now() + SOON;
    while !logs.iter().all(busy) {
        assert!(Instant::now() < deadline, "the clients do not get going");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let cut_off = cluster.cut_off(&dead.name, SOON).await.unwrap();
    let answered = Instant::now();
    assert!(cut_off.is_proved(), "{cut_off:?}");
    // New sign-ins, on every node.
    for node in 1..=3 {
        for mechanism in [Mechanism::Sha256, Mechanism::Sha512] {
            sign_in(&kafka, node, &dead.name, mechanism).await.unwrap_err();
        }
    }
    // The dead one's fetches are throttled into silence, which its producer is not.
    let after = |log: &Log| log.lock().unwrap().iter().filter(|(sent, _)| *sent > answered).count();
    while !logs[..3].iter().all(|log| after(log) > 50) {
        assert!(Instant::now() < deadline + SOON, "the clients do not go on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks.drain(..3) {
        task.await.unwrap();
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let count = |logs: &[Log], wanted: fn(Instant, &(Instant, bool)) -> bool| {
        logs.iter().map(|log| log.lock().unwrap().iter().filter(|entry| wanted(answered, entry)).count()).sum::<usize>()
    };
    let taken = count(&logs[2..], |answered, (sent, done)| *sent > answered && *done);
    assert_eq!(taken, 0, "requests of the dead token were carried out after the answer");
    assert_eq!(count(&logs[..2], |_, (_, done)| !*done), 0, "the other token was disturbed");
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_fetch_that_waits_through_the_cut_off_comes_back_empty() {
    let kafka = turn().await;
    let cluster = admin(&kafka);
    let workspace = unique("w");
    let (dead, living) = (principal(&workspace), principal(&workspace));
    cluster.ensure_principals(&[dead.clone(), living.clone()]).await.unwrap();
    let name = format!("{workspace}-quiet");
    let new = NewTopic { name: name.clone(), partitions: Some(1), replication_factor: None, settings: Vec::new() };
    cluster.create_topic(&new).await.unwrap();
    let mut producer = leader(&kafka, &living.name, &name).await;
    let mut waiting = leader(&kafka, &dead.name, &name).await;
    // Two records are there; the third is waited for.
    let topic = name.clone();
    let parked = tokio::spawn(async move { fetch(&mut waiting, &topic, 2, SOON, false).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!parked.is_finished(), "the fetch is not waiting");
    assert!(cluster.cut_off(&dead.name, SOON).await.unwrap().is_proved());
    assert!(!parked.is_finished(), "the cut-off itself does not wake a fetch");
    assert_eq!(produce(&mut producer, &name, "secret").await.unwrap(), 0);
    let values = parked.await.unwrap().unwrap();
    assert!(!values.is_ok_and(|values| values.iter().any(|value| value == "secret")), "it returned a record");
    // The other token reads it.
    let read = fetch(&mut producer, &name, 2, SOON, false).await.unwrap().unwrap();
    assert_eq!(read, ["secret"]);
}
