//! Orders that are sent and not answered, and clusters that are away.

use std::time::{Duration, Instant};

use twinkey_kafka_admin::{Address, Cluster, Error};

use crate::{
    cut_off::{all_well, follower},
    support::{SOON, admin, principal, settings, unique},
    turn,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_broker_does_not_hold_up_what_others_can_answer() {
    let kafka = turn().await;
    let cluster = admin(&kafka);
    all_well(&cluster, &kafka).await;
    let node = follower(&cluster).await;
    kafka.pause(node);
    let started = Instant::now();
    let mut results = Vec::new();
    for _ in 0..5 {
        results.push(cluster.make_principals(&[principal(&unique("w"))]).await);
    }
    let took = started.elapsed();
    kafka.resume(node);
    for result in results {
        let granted = result.unwrap();
        let silent: Vec<_> = granted.silent.iter().map(|silent| silent.broker.id).collect();
        assert!(silent.is_empty() || silent == [i32::try_from(node).unwrap()], "{granted:?}");
    }
    assert!(took < SOON, "five grants took {took:?}");
    all_well(&cluster, &kafka).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_off_that_cannot_be_ordered_says_so_within_its_bound() {
    let kafka = turn().await;
    let mut settings = settings(&kafka);
    settings.bootstrap = Address::list("127.0.0.1:1").unwrap();
    let bound = Duration::from_millis(500);
    let started = Instant::now();
    let error = Cluster::new(settings).cut_off("tk-nobody", bound).await.unwrap_err();
    assert!(matches!(error, Error::Late { .. }), "{error}");
    assert!(error.to_string().contains("connection refused"), "it says why: {error}");
    assert!(started.elapsed() < SOON);
}
