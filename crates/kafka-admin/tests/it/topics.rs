//! Topics, and what the cluster refuses.

use twinkey_kafka_admin::{
    Error, Mechanism, Refusal,
    topics::{NewTopic, Topic},
};
use twinkey_testbed::kafka::Kafka;

use crate::support::{SOON, admin, fetch, principal, produce, sign_in, unique};

fn new(name: &str, partitions: u32, settings: &[(&str, &str)]) -> NewTopic {
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    NewTopic { name: name.to_owned(), partitions: Some(partitions), replication_factor: None, settings }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_made_changed_and_deleted() {
    let cluster = admin(Kafka::shared());
    let workspace = unique("w");
    let name = format!("{workspace}-orders");
    assert_eq!(cluster.topic(&name).await.unwrap(), None);
    cluster
        .create_topic(&new(&name, 3, &[("retention.ms", "60000"), ("cleanup.policy", "compact,delete")]))
        .await
        .unwrap();
    let made = cluster.topic(&name).await.unwrap().unwrap();
    let expected = Topic {
        name: name.clone(),
        partitions: 3,
        replication_factor: 1,
        retention_ms: Some(60_000),
        retention_bytes: None,
        cleanup_policy: "compact,delete".to_owned(),
        available: true,
    };
    assert_eq!(made, expected);
    let changes = [
        ("retention.ms".to_owned(), Some("-1".to_owned())),
        ("retention.bytes".to_owned(), Some("1000000".to_owned())),
    ];
    cluster.alter_topic(&name, &changes).await.unwrap();
    cluster.add_partitions(&name, 5).await.unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let changed = cluster.topic(&name).await.unwrap().unwrap();
        let expected =
            Topic { partitions: 5, retention_ms: None, retention_bytes: Some(1_000_000), ..expected.clone() };
        if changed == expected {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{changed:?}");
    }
    cluster.alter_topic(&name, &[("cleanup.policy".to_owned(), None)]).await.unwrap();
    cluster.create_topic(&new(&format!("{workspace}-another"), 1, &[])).await.unwrap();
    cluster.create_topic(&new(&format!("{workspace}x-foreign"), 1, &[])).await.unwrap();
    let names: Vec<_> =
        cluster.topics(&format!("{workspace}-")).await.unwrap().into_iter().map(|topic| topic.name).collect();
    assert_eq!(names, [format!("{workspace}-another"), name.clone()]);
    cluster.delete_topic(&name).await.unwrap();
    assert_eq!(cluster.topic(&name).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_cleaned() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let token = principal(&unique("w"));
    cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    let name = format!("{}-orders", token.workspace);
    cluster.create_topic(&new(&name, 1, &[])).await.unwrap();
    let mut client = sign_in(kafka, 1, &token.name, Mechanism::Sha256).await.unwrap();
    assert_eq!(produce(&mut client, &name, "before").await.unwrap(), 0);
    cluster.clean_topic(&name).await.unwrap();
    assert_eq!(produce(&mut client, &name, "after").await.unwrap(), 0);
    let left = fetch(&mut client, &name, 1, SOON, false).await.unwrap().unwrap();
    assert_eq!(left, ["after"]);
    assert_eq!(fetch(&mut client, &name, 0, SOON, false).await.unwrap(), Err(1), "offset out of range");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_become_kinds_and_sentences() {
    let cluster = admin(Kafka::shared());
    let name = format!("{}-a.b", unique("w"));
    cluster.create_topic(&new(&name, 1, &[])).await.unwrap();
    let similar = name.replace('.', "_");
    let mut copies = new(&unique("w"), 1, &[]);
    copies.replication_factor = Some(7);
    let cases = [
        (new(&name, 1, &[]), Refusal::Exists),
        (new(&similar, 1, &[]), Refusal::InvalidName),
        (new("a topic", 1, &[]), Refusal::InvalidName),
        (new(&unique("w"), 0, &[]), Refusal::InvalidPartitions),
        (new(&unique("w"), 1, &[("retention.ms", "soon")]), Refusal::InvalidSetting),
        (new(&unique("w"), 1, &[("no.such.setting", "1")]), Refusal::InvalidSetting),
        (copies, Refusal::InvalidReplication),
    ];
    for (topic, expected) in cases {
        let error = cluster.create_topic(&topic).await.unwrap_err();
        assert_eq!(error.refusal(), Some(expected), "{error}");
        assert!(error.to_string().contains(&topic.name), "{error}");
    }
    let fewer = cluster.add_partitions(&name, 1).await.unwrap_err();
    assert_eq!(fewer.refusal(), Some(Refusal::InvalidPartitions), "{fewer}");
    let missing = unique("w");
    for error in [
        cluster.delete_topic(&missing).await.unwrap_err(),
        cluster.add_partitions(&missing, 2).await.unwrap_err(),
        cluster.alter_topic(&missing, &[("retention.ms".to_owned(), Some("1".to_owned()))]).await.unwrap_err(),
        cluster.clean_topic(&missing).await.unwrap_err(),
    ] {
        assert_eq!(error.refusal(), Some(Refusal::NotFound), "{error}");
    }
    let compacted = format!("{}-c", unique("w"));
    cluster.create_topic(&new(&compacted, 1, &[("cleanup.policy", "compact")])).await.unwrap();
    let error = cluster.clean_topic(&compacted).await.unwrap_err();
    assert!(matches!(error, Error::Refused { refusal: Refusal::Policy, .. }), "{error}");
}
