//! What is found under a prefix.

use twinkey_testbed::kafka::Kafka;

use crate::support::{SOON, admin, principal, unique};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_under_the_prefix_is_not_found() {
    let cluster = admin(Kafka::shared());
    let (prefix, other) = (unique("tk-"), unique("tk-"));
    assert!(cluster.inventory(&prefix).await.unwrap().users.is_empty());
    for name in [&prefix, &other] {
        let mut token = principal(&unique("w"));
        token.name.clone_from(name);
        cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    }
    let found = cluster.inventory(&prefix).await.unwrap();
    assert!(found.users.keys().eq([&prefix]), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_principal_keeps_its_name_its_credentials_and_the_quota() {
    let cluster = admin(Kafka::shared());
    let token = principal(&unique("w"));
    cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    assert!(cluster.cut_off(&token.name, SOON).await.unwrap().is_proved());
    let found = cluster.inventory(&token.name).await.unwrap().users[&token.name].clone();
    assert!(!found.has_rights() && found.has_both_credentials() && found.is_starved(), "{found:?}");
    // The marker goes a moment after the cut-off.
    let deadline = tokio::time::Instant::now() + SOON;
    while !cluster.inventory(&token.name).await.unwrap().markers.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "the marker is still there");
    }
}
