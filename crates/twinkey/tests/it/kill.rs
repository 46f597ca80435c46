//! kill -9 at random instants of rotations and of produces: guarantees 1, 2, 5, 6, 7 and 8.
//!
//! `TWINKEY_FAULT_ROUNDS` sets the number of rounds, `TWINKEY_FAULT_SEED` repeats a run's delays.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use twinkey_api::token_pair::Slot;
use twinkey_testkit::{Api, Method, Stream, kafka::Credentials, leaks};

use super::process::{Process, run};

const TOPIC: &str = "demo-orders";

/// What was acknowledged, and must be true after every kill.
#[derive(Default)]
struct Acknowledged {
    generation: AtomicI64,
    /// Offset and value, in the order of the acknowledgements.
    records: Mutex<Vec<(i64, String)>>,
}

pub fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_g2_g5_g6_g7_g8_kill_at_random_points_of_rotations_and_produces() {
    let rounds = variable("TWINKEY_FAULT_ROUNDS").unwrap_or(100);
    let seed = variable("TWINKEY_FAULT_SEED").unwrap_or_else(rand::random);
    println!("{rounds} rounds, TWINKEY_FAULT_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");

    let acknowledged = Arc::new(Acknowledged::default());
    let mut known: Vec<String> = Vec::new();
    let mut verified = 0;
    let mut process = Process::start(&data_dir).await;
    process.api.post("/demo/topics", &process.admin, &serde_json::json!({"name": "orders"})).await.ok();
    for round in 0..rounds {
        let mut load =
            vec![tokio::spawn(keep_producing(process.api.clone(), process.admin.clone(), acknowledged.clone(), round))];
        // Rotations cut the producer off all the time; in every other round it has the server for itself.
        if round % 2 == 0 {
            load.push(tokio::spawn(keep_rotating(process.api.clone(), process.admin.clone(), acknowledged.clone())));
        }
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..120_000))).await;
        process.kill();
        for task in load {
            task.await.expect("the load ends with the server");
        }
        process = Process::start(&data_dir).await;
        check_tokens(&process, &acknowledged, &mut known).await;
        verified = check_records(&process, &acknowledged, verified).await;
        if round % 10 == 9 {
            check_audit(&process, &data_dir, acknowledged.generation.load(Ordering::SeqCst)).await;
        }
    }
    let generation = acknowledged.generation.load(Ordering::SeqCst);
    println!("{generation} rotations and {verified} records survived {rounds} kills");
    assert!(rounds < 20 || (generation > 0 && verified > 0), "the kills came before anything was acknowledged");
    assert!(process.terminate().success());
    leaks::assert_none_in(&data_dir);
}

/// Rotates without a pause until the server is gone.
async fn keep_rotating(api: Api, admin: String, acknowledged: Arc<Acknowledged>) {
    loop {
        let generation = acknowledged.generation.load(Ordering::SeqCst);
        let body = serde_json::json!({"expectedGeneration": generation, "force": true});
        let request = api.request(Method::POST, "/workspaces/demo/tokens/rotate", &admin).json(&body);
        let Ok(answer) = api.try_send(request).await else { return };
        assert_eq!(answer.ok()["generation"], generation + 1);
        acknowledged.generation.store(generation + 1, Ordering::SeqCst);
    }
}

/// Produces with Token 2, and with the new one as soon as that was rotated out, until the server is gone.
async fn keep_producing(api: Api, admin: String, acknowledged: Arc<Acknowledged>, round: u64) {
    let mut number = 0;
    'connect: loop {
        let Some(mut stream) = connect(&api, &admin).await else { return };
        loop {
            let value = format!("{round}-{number}");
            number += 1;
            match stream.produce(TOPIC, &value).await {
                Ok(Ok(offset)) => acknowledged.records.lock().expect("not poisoned").push((offset, value)),
                Ok(Err(code)) => panic!("produce was refused with {code}"),
                Err(_) => continue 'connect,
            }
        }
    }
}

/// `None` when the server is gone.
async fn connect(api: &Api, admin: &str) -> Option<Stream> {
    loop {
        let request =
            api.request(Method::POST, "/workspaces/demo/tokens/next/reveal", admin).json(&serde_json::json!({}));
        let token = api.try_send(request).await.ok()?.ok()["value"].as_str().expect("a value").to_owned();
        let request = api.request(Method::GET, "/workspaces/demo/broker/librdkafka", &token);
        let answer = api.try_send(request).await.ok()?;
        // Two rotations may have passed between the two calls.
        if answer.status == 200
            && let Ok(stream) = Credentials::from_librdkafka(&answer.json()).sign_in().await
        {
            return Some(stream);
        }
    }
}

/// Exactly two tokens are valid, on the API and on the broker, and none that ever was comes back.
async fn check_tokens(process: &Process, acknowledged: &Acknowledged, known: &mut Vec<String>) {
    let before = acknowledged.generation.load(Ordering::SeqCst);
    let generation = process.api.generation("demo", &process.admin).await;
    assert!(generation == before || generation == before + 1, "acknowledged {before}, found {generation}");
    acknowledged.generation.store(generation, Ordering::SeqCst);
    let mut valid = Vec::new();
    for slot in Slot::BOTH {
        let token = process.api.reveal("demo", slot, &process.admin).await;
        Stream::open(&process.api, "demo", &token).await;
        valid.push(token);
    }
    assert_ne!(valid[0], valid[1]);
    known.retain(|token| !valid.contains(token));
    for dead in known.iter() {
        assert!(!process.api.accepts("demo", dead).await, "a dead token came back");
    }
    // The newest are the ones that a crash could bring back; the whole list would make each round longer than the last.
    let excess = known.len().saturating_sub(20);
    known.drain(..excess);
    known.extend(valid);
}

/// Every acknowledged record is where it was acknowledged; nothing stands twice. Returns how far the log was verified.
async fn check_records(process: &Process, acknowledged: &Acknowledged, verified: usize) -> usize {
    let token = process.api.reveal("demo", Slot::Next, &process.admin).await;
    let mut stream = Stream::open(&process.api, "demo", &token).await;
    let mut found: Vec<String> = Vec::new();
    loop {
        let from = (verified + found.len()) as i64;
        let values = stream.fetch(TOPIC, from, 0).await.expect("connected").expect("may read");
        if values.is_empty() {
            break;
        }
        found.extend(values);
    }
    let mut records = acknowledged.records.lock().expect("not poisoned");
    for (offset, value) in records.drain(..) {
        let at = usize::try_from(offset).expect("not negative") - verified;
        assert_eq!(found.get(at), Some(&value), "the acknowledged record at offset {offset} is lost");
    }
    let distinct: std::collections::HashSet<_> = found.iter().collect();
    assert_eq!(distinct.len(), found.len(), "a record stands twice");
    verified + found.len()
}

/// The chain verifies, and there is one record for each rotation: no effect without a record, no record without an effect.
async fn check_audit(process: &Process, data_dir: &Path, generation: i64) {
    let output = run(data_dir, &["audit", "verify"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let mut rotations = 0;
    let mut before = i64::MAX;
    loop {
        let page =
            process.api.get(&format!("/audit?workspaceId=demo&limit=1000&before={before}"), &process.admin).await.ok();
        let Some(last) = page.as_array().expect("a list").last() else { break };
        before = last["sequence"].as_i64().expect("a number");
        rotations += page.as_array().expect("a list").iter().filter(|it| it["action"] == "token.rotated").count();
    }
    assert_eq!(rotations as i64, generation);
}
