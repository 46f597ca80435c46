//! Making principals, what they may do, and ending them.

use twinkey_kafka_admin::{Mechanism, acls};
use twinkey_testbed::kafka::Kafka;

use crate::support::{SOON, admin, principal, produce, sign_in, topic, unique};

const TOPIC_AUTHORIZATION_FAILED: i16 = 29;

#[tokio::test(flavor = "multi_thread")]
async fn b5_a_principal_works_as_soon_as_it_is_ensured_and_not_once_it_is_cut_off() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let workspace = unique("w");
    let topic = topic(&cluster, &workspace).await;
    let token = principal(&workspace);
    for _ in 0..2 {
        let granted = cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
        assert!(granted.silent.is_empty(), "{granted:?}");
    }
    let mut clients = Vec::new();
    for mechanism in [Mechanism::Sha256, Mechanism::Sha512] {
        let mut client = sign_in(kafka, 1, &token.name, mechanism).await.unwrap();
        assert_eq!(produce(&mut client, &topic, "alive").await.unwrap(), 0);
        clients.push(client);
    }
    let cut_off = cluster.cut_off(&token.name, SOON).await.unwrap();
    assert!(cut_off.is_proved(), "{cut_off:?}");
    for client in &mut clients {
        assert_eq!(produce(client, &topic, "dead").await.unwrap(), TOPIC_AUTHORIZATION_FAILED);
    }
    for mechanism in [Mechanism::Sha256, Mechanism::Sha512] {
        sign_in(kafka, 1, &token.name, mechanism).await.unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_that_was_cut_off_can_be_mended() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let token = principal(&unique("w"));
    cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    for _ in 0..2 {
        assert!(cluster.cut_off(&token.name, SOON).await.unwrap().is_proved());
    }
    cluster.ensure_principals(std::slice::from_ref(&token)).await.unwrap();
    sign_in(kafka, 1, &token.name, Mechanism::Sha256).await.unwrap();
    let found = &cluster.inventory(&token.name).await.unwrap().users[&token.name];
    assert!(found.has_both_credentials() && found.has_all_rights(&token.workspace) && !found.is_starved(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_principal_may_touch_its_own_workspace_only() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let (mine, other) = (unique("w"), unique("w"));
    let (mine_topic, other_topic) = (topic(&cluster, &mine).await, topic(&cluster, &other).await);
    let token = principal(&mine);
    cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    let mut client = sign_in(kafka, 1, &token.name, Mechanism::Sha256).await.unwrap();
    assert_eq!(produce(&mut client, &mine_topic, "mine").await.unwrap(), 0);
    assert_eq!(produce(&mut client, &other_topic, "theirs").await.unwrap(), TOPIC_AUTHORIZATION_FAILED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_off_touches_nobody_else() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let workspace = unique("w");
    let token = principal(&workspace);
    // A name that begins with the dead one's, and the other token of the workspace.
    let mut longer = principal(&workspace);
    longer.name = format!("{}0", token.name);
    let other = principal(&workspace);
    cluster.ensure_principals(&[token.clone(), longer.clone(), other.clone()]).await.unwrap();
    let before = cluster.inventory("").await.unwrap();
    assert!(cluster.cut_off(&token.name, SOON).await.unwrap().is_proved());
    let after = cluster.inventory("").await.unwrap();
    for name in [&longer.name, &other.name, "admin"] {
        assert_eq!(before.users.get(name), after.users.get(name), "{name}");
    }
    for name in [&longer.name, &other.name] {
        sign_in(kafka, 1, name, Mechanism::Sha512).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_principals_are_made_in_few_requests() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let prefix = unique("tk-");
    let make = |index: usize| {
        let mut token = principal(&format!("{prefix}{index}"));
        token.name = format!("{prefix}{index}");
        token
    };
    let tokens: Vec<_> = (0..250).map(make).collect();
    let granted = cluster.ensure_principals(&tokens).await.unwrap();
    assert!(granted.silent.is_empty(), "{granted:?}");
    let inventory = cluster.inventory(&prefix).await.unwrap();
    assert_eq!(inventory.users.len(), tokens.len());
    for token in &tokens {
        let found = &inventory.users[&token.name];
        assert!(found.is_complete(&token.workspace), "{found:?}");
        assert!(found.extra_rights(&token.workspace).is_empty(), "{found:?}");
    }
    sign_in(kafka, 1, &tokens[249].name, Mechanism::Sha512).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn surplus_rights_are_found_and_taken() {
    let cluster = admin(Kafka::shared());
    let (token, foreign) = (principal(&unique("w")), unique("w"));
    cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    let mut stray = token.clone();
    stray.workspace.clone_from(&foreign);
    cluster.ensure_principals(&[stray]).await.unwrap();
    let rights_of = async |name: &str| cluster.inventory(name).await.unwrap().users[name].clone();
    let extra = rights_of(&token.name).await.extra_rights(&token.workspace);
    assert_eq!(extra, acls::rights(&format!("{foreign}-")).collect::<Vec<_>>());
    cluster.take_rights_of(&token.name, &extra).await.unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    while !rights_of(&token.name).await.extra_rights(&token.workspace).is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "the rights are still there");
    }
    assert!(rights_of(&token.name).await.is_complete(&token.workspace));
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_leaves_the_living_alone() {
    let cluster = admin(Kafka::shared());
    let prefix = unique("tk-");
    let (mut dead, mut alive) = (principal(&unique("w")), principal(&unique("w")));
    dead.name = format!("{prefix}dead");
    alive.name = format!("{prefix}alive");
    cluster.ensure_principals(&[dead.clone(), alive.clone()]).await.unwrap();
    assert!(cluster.cut_off(&dead.name, SOON).await.unwrap().is_proved());
    let deadline = tokio::time::Instant::now() + SOON;
    let names = [dead.name.clone(), alive.name.clone(), unique("tk-never-was-")];
    assert_eq!(cluster.prune(&names).await.unwrap(), [alive.name.clone()]);
    cluster.lift_quotas_of_dead(std::slice::from_ref(&dead.name)).await.unwrap();
    loop {
        let inventory = cluster.inventory(&prefix).await.unwrap();
        if inventory.users.keys().eq([&alive.name]) {
            assert!(inventory.users[&alive.name].is_complete(&alive.workspace));
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{inventory:?}");
    }
}

/// The last one's rights are what is waited for; they must prove the others'.
#[tokio::test(flavor = "multi_thread")]
async fn new_principals_are_made_with_few_orders() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let tokens: Vec<_> = (0..40).map(|_| principal(&unique("w"))).collect();
    let granted = cluster.make_principals(&tokens).await.unwrap();
    assert!(granted.silent.is_empty(), "{granted:?}");
    for token in &tokens {
        let found = &cluster.inventory(&token.name).await.unwrap().users[&token.name];
        assert!(found.is_complete(&token.workspace), "{found:?}");
    }
    for token in [&tokens[0], &tokens[39]] {
        sign_in(kafka, 1, &token.name, Mechanism::Sha256).await.unwrap();
        sign_in(kafka, 1, &token.name, Mechanism::Sha512).await.unwrap();
    }
}
