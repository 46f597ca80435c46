//! B4 on Apache Kafka: what a cut-off proves while brokers are well, paused, or dead.

use std::time::{Duration, Instant};

use twinkey_kafka_admin::{Cluster, Mechanism, cut_off::Proof};
use twinkey_testbed::kafka::Kafka;

use crate::{
    support::{SOON, admin, principal, sign_in, unique},
    turn,
};

/// What a caller gives a cut-off before it answers that it is not proved.
const BOUND: Duration = Duration::from_secs(3);

/// Waits until all three nodes serve.
pub async fn all_well(cluster: &Cluster, kafka: &Kafka) {
    let deadline = Instant::now() + 2 * SOON;
    loop {
        let well = match cluster.describe().await {
            Ok(known) => known.brokers.len() == kafka.nodes() && known.brokers.iter().all(|broker| !broker.fenced),
            Err(_) => false,
        };
        if well && cluster.groups("none").await.is_ok_and(|groups| groups.silent.is_empty()) {
            return;
        }
        assert!(Instant::now() < deadline, "the cluster does not become well");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_healthy_cluster_proves_a_cut_off_on_every_broker() {
    let kafka = turn().await;
    let cluster = admin(&kafka);
    for _ in 0..5 {
        let token = principal(&unique("w"));
        cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
        let cut_off = cluster.cut_off(&token.name, SOON).await.unwrap();
        assert_eq!(cut_off.brokers.len(), 3, "{cut_off:?}");
        assert!(cut_off.brokers.iter().all(|broker| broker.proof == Proof::Gone), "{cut_off:?}");
        for node in 1..=3 {
            sign_in(&kafka, node, &token.name, Mechanism::Sha256).await.unwrap_err();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_paused_broker_is_named_until_it_has_caught_up() {
    let kafka = turn().await;
    let cluster = admin(&kafka);
    for node in 1..=3 {
        let token = principal(&unique("w"));
        cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
        kafka.pause(node);
        let started = Instant::now();
        let cut_off = cluster.cut_off(&token.name, BOUND).await;
        let took = started.elapsed();
        kafka.resume(node);
        assert!(took < BOUND + Duration::from_secs(2), "answered after {took:?}");
        let cut_off = match cut_off {
            Ok(cut_off) => cut_off,
            // The paused node was the controller, and the cluster chose no other one in time.
            Err(error) => {
                assert!(matches!(error, twinkey_kafka_admin::Error::Late { .. }), "{error}");
                cluster.cut_off(&token.name, SOON).await.unwrap()
            }
        };
        let open: Vec<_> = cut_off.open().map(|(broker, _)| broker.id).collect();
        assert!(open.is_empty() || open == [i32::try_from(node).unwrap()], "{cut_off:?}");
        let proved = cluster.prove_further(cut_off, SOON).await;
        assert!(proved.is_proved(), "{proved:?}");
        sign_in(&kafka, node, &token.name, Mechanism::Sha512).await.unwrap_err();
        all_well(&cluster, &kafka).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_broker_that_slept_through_a_whole_life_of_a_token_is_not_taken_for_proved() {
    let kafka = turn().await;
    let cluster = admin(&kafka);
    let node = follower(&cluster).await;
    kafka.pause(node);
    let token = principal(&unique("w"));
    let granted = cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    assert_eq!(granted.silent.len(), 1, "{granted:?}");
    let cut_off = cluster.cut_off(&token.name, Duration::from_secs(1)).await.unwrap();
    kafka.resume(node);
    // It answers the question for rights at once, from a state in which the token did not exist yet.
    let proved = cluster.prove_further(cut_off, SOON).await;
    assert!(proved.is_proved(), "{proved:?}");
    sign_in(&kafka, node, &token.name, Mechanism::Sha256).await.unwrap_err();
    all_well(&cluster, &kafka).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_dead_broker_does_not_hold_a_cut_off_up() {
    let kafka = turn().await;
    let cluster = admin(&kafka);
    let token = principal(&unique("w"));
    cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    let node = follower(&cluster).await;
    kafka.kill(node);
    let cut_off = cluster.cut_off(&token.name, SOON).await.unwrap();
    assert!(cut_off.is_proved(), "{cut_off:?}");
    let of_node = cut_off.brokers.iter().find(|broker| broker.broker.id == i32::try_from(node).unwrap());
    // Kafka before 4.0 does not list it once it is fenced; then it was seen before, or is not in the list.
    assert!(of_node.is_none_or(|broker| broker.proof == Proof::PortClosed), "{cut_off:?}");
    kafka.start_node(node);
    // Hammered from the first moment at which its port is open.
    let deadline = Instant::now() + 2 * SOON;
    let mut refused = 0;
    while refused < 20 {
        match sign_in(&kafka, node, &token.name, Mechanism::Sha256).await {
            Ok(_) => panic!("a token that was cut off signed in to a broker that was dead meanwhile"),
            Err(twinkey_kafka_wire::client::ClientError::Refused { .. }) => refused += 1,
            Err(_) => assert!(Instant::now() < deadline, "the node does not come back"),
        }
    }
    all_well(&cluster, &kafka).await;
}

/// A node that is not the leader of the metadata quorum, so that the cluster goes on without it at once. Which one leads is not
/// told by the answers that this crate asks for; in a combined node's log directory it is.
pub async fn follower(cluster: &Cluster) -> usize {
    let leader = cluster.quorum_leader().await.unwrap();
    (1..=3).find(|node| i32::try_from(*node).unwrap() != leader).unwrap()
}
