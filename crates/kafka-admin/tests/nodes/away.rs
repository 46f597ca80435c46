//! Orders that are sent and not answered, and clusters that are away.

use std::time::{Duration, Instant};

use twinkey_kafka_admin::{Address, Cluster, Error};

use crate::{
    cut_off::{all_well, follower},
    support::{SOON, admin, principal, settings, unique},
    turn,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_is_not_answered_has_an_unknown_outcome_and_a_cut_off_ends_it_all_the_same() {
    let kafka = turn().await;
    let healthy = admin(&kafka);
    let node = follower(&healthy).await;
    // This administrator knows one address only, so that the paused node is the one that it asks.
    let mut settings = settings(&kafka);
    settings.bootstrap = Address::list(kafka.address(node)).unwrap();
    settings.timeouts.call = Duration::from_secs(1);
    let cluster = Cluster::new(settings);
    let token = principal(&unique("w"));
    cluster.describe().await.unwrap();
    // Deriving the keys takes longer than this, so that the node stops between the question for the brokers and the order.
    let ensured = tokio::join!(cluster.ensure_principal(&token), async { kafka.pause(node) }).0;
    let ensured = match ensured {
        Ok(granted) if granted.silent.is_empty() => Ok(()),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = &ensured {
        assert!(error.is_unknown_outcome() || error.is_temporary(), "{error}");
    }
    kafka.resume(node);
    // Whatever arrives late, it arrives before this is proved or is overwritten by it.
    let cut_off = healthy.cut_off(&token.name, SOON).await.unwrap();
    assert!(cut_off.is_proved(), "{cut_off:?}");
    all_well(&healthy, &kafka).await;
}

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
        results.push(cluster.ensure_principal(&principal(&unique("w"))).await);
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
