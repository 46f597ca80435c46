//! Two installations on one cluster.

use twinkey_kafka_admin::Error;
use twinkey_testbed::kafka::Kafka;

use crate::support::{admin, unique};

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_belongs_to_one_installation() {
    let cluster = admin(Kafka::shared());
    let prefix = unique("tk-");
    assert!(cluster.claims(&prefix).await.unwrap().is_empty());
    for _ in 0..2 {
        cluster.claim(&prefix, "first").await.unwrap();
    }
    let refused = cluster.claim(&prefix, "second").await.unwrap_err();
    assert!(matches!(&refused, Error::Claimed { others, .. } if others == &["first"]), "{refused}");
    assert!(refused.to_string().contains(&prefix) && refused.to_string().contains("first"), "{refused}");
    // A longer or shorter prefix is another one.
    cluster.claim(&format!("{prefix}x"), "second").await.unwrap();
    cluster.release(&prefix, "first").await.unwrap();
    loop {
        match cluster.claim(&prefix, "second").await {
            Ok(()) => break,
            Err(Error::Claimed { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(cluster.claims(&prefix).await.unwrap(), ["second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_claim_at_once_never_both_get_it() {
    let kafka = Kafka::shared();
    for _ in 0..5 {
        let prefix = unique("tk-");
        let (left, right) = (admin(kafka), admin(kafka));
        let (left, right) = tokio::join!(left.claim(&prefix, "left"), right.claim(&prefix, "right"));
        assert!(left.is_err() || right.is_err(), "both claimed {prefix}");
    }
}
