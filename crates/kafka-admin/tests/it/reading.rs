//! What is in topics, and reading it: whole batches as they are stored, of transactions what was committed.

use std::time::Duration;

use twinkey_kafka_admin::{
    Mechanism,
    reader::{Batches, Ends, FetchError, Fetched},
};
use twinkey_kafka_wire::records::{self, Limits, Marker};
use twinkey_testbed::kafka::Kafka;

use crate::{
    support::{SOON, admin, principal, produce, sign_in, topic, unique},
    transactions::Producer,
};

const LIMITS: Limits = Limits { part: 1 << 10, header: 1 << 10, headers: 10, batch: 1 << 20 };

/// The one partition that was asked for.
fn only(fetched: Option<Vec<Fetched>>) -> Result<Batches, FetchError> {
    let mut fetched = fetched.expect("the topic is there");
    assert_eq!(fetched.len(), 1, "{fetched:?}");
    fetched.remove(0).result
}

/// Values of records, and marks of transactions.
fn inside(batches: &Batches) -> (Vec<String>, Vec<Marker>) {
    let (mut values, mut markers) = (Vec::new(), Vec::new());
    for batch in records::batches(batches.bytes.clone()) {
        markers.extend(batch.marker());
        if !batch.header.is_control() {
            for record in batch.records(LIMITS).unwrap() {
                values.push(String::from_utf8(record.unwrap().value.unwrap().bytes).unwrap());
            }
        }
    }
    (values, markers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_read_from_anywhere_and_waits_for_more() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let token = principal(&unique("w"));
    cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    let topic = topic(&cluster, &token.workspace).await;
    let mut client = sign_in(kafka, 1, &token.name, Mechanism::Sha256).await.unwrap();
    for value in ["a", "b", "c"] {
        assert_eq!(produce(&mut client, &topic, value).await.unwrap(), 0);
    }
    assert!(cluster.reader(&format!("{topic}-no")).await.unwrap().is_none());
    let mut reader = cluster.reader(&topic).await.unwrap().unwrap();
    let (ends, missing) = reader.ends().await.unwrap().unwrap();
    assert_eq!((ends[&0], missing.len()), (Ends { low: 0, high: 3 }, 0));
    let found = only(reader.fetch(&[(0, 1)], Duration::ZERO).await.unwrap()).unwrap();
    assert_eq!((inside(&found).0, found.ends), (vec!["b".to_owned(), "c".to_owned()], Ends { low: 0, high: 3 }));
    assert_eq!(reader.offsets_at(0, &[0]).await[&0], 0);
    assert!(reader.offsets_at(i64::MAX, &[0]).await.is_empty(), "nothing is that new");
    let beyond = only(reader.fetch(&[(0, 17)], Duration::ZERO).await.unwrap());
    assert!(matches!(beyond, Err(FetchError::OutOfRange(Ends { low: 0, high: 3 }))), "{beyond:?}");

    let produced = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(produce(&mut client, &topic, "d").await.unwrap(), 0);
    };
    let waiting = async {
        loop {
            let found = only(reader.fetch(&[(0, 3)], Duration::from_secs(5)).await.unwrap()).unwrap();
            if !found.bytes.is_empty() {
                return inside(&found).0;
            }
        }
    };
    let ((), found) = tokio::time::timeout(SOON, async { tokio::join!(produced, waiting) }).await.unwrap();
    assert_eq!(found, ["d"]);

    let contents = cluster.contents(&format!("{}-", token.workspace)).await.unwrap();
    assert_eq!((contents.topics.len(), contents.missing.len()), (1, 0), "{contents:?}");
    assert_eq!(contents, cluster.contents_of(&topic).await.unwrap());
    let partition = &contents.topics[0].partitions[0];
    assert_eq!((partition.low, partition.high, partition.leader), (Some(0), Some(4), Some(1)));
    assert!(partition.bytes.unwrap() > 200, "{partition:?}");

    cluster.clean_topic(&topic).await.unwrap();
    let deleted = only(reader.fetch(&[(0, 0)], Duration::ZERO).await.unwrap());
    assert!(matches!(deleted, Err(FetchError::OutOfRange(Ends { low: 4, high: 4 }))), "{deleted:?}");

    // Another topic of the same name is not this one.
    cluster.delete_topic(&topic).await.unwrap();
    crate::support::topic(&cluster, &token.workspace).await;
    assert!(reader.fetch(&[(0, 0)], Duration::ZERO).await.unwrap().is_none());
    assert!(reader.ends().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn open_transactions_are_not_shown_and_aborted_ones_are_told() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let token = principal(&unique("w"));
    cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    let topic = topic(&cluster, &token.workspace).await;
    let id = |name: &str| format!("{}-{name}", token.workspace);
    let mut reader = cluster.reader(&topic).await.unwrap().unwrap();
    let mut given_up = Producer::begin(kafka, &token.name, id("one"), &topic).await;
    let found = only(reader.fetch(&[(0, 0)], Duration::ZERO).await.unwrap()).unwrap();
    assert_eq!((found.bytes.len(), found.ends.high), (0, 0), "nothing is settled");
    assert_eq!(given_up.end(false).await, 0);
    let mut committed = Producer::begin(kafka, &token.name, id("two"), &topic).await;
    assert_eq!(committed.end(true).await, 0);
    // The mark that ends a transaction is written behind the answer.
    let deadline = tokio::time::Instant::now() + SOON;
    let found = loop {
        let found = only(reader.fetch(&[(0, 0)], Duration::ZERO).await.unwrap()).unwrap();
        if inside(&found).1.len() == 2 {
            break found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(inside(&found).1, [Marker::Abort, Marker::Commit]);
    assert_eq!(found.aborted, [(given_up.producer_id(), 0)]);
}
