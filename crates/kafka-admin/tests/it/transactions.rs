//! Open transactions of the dead are ended, those of the living are left alone.

use std::time::Duration;

use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, ProducerId,
    add_partitions_to_txn_request::AddPartitionsToTxnTopic,
};
use twinkey_kafka_admin::Mechanism;
use twinkey_kafka_wire::client::Client;
use twinkey_testbed::kafka::Kafka;

use crate::support::{SOON, admin, codec_name, fetch, principal, produce_as, sign_in, topic, transactional_id, unique};

/// A producer inside a transaction.
pub struct Producer {
    client: Client,
    id: String,
    /// Its id and epoch.
    identity: (ProducerId, i16),
    topic: String,
    sequence: i32,
}

impl Producer {
    pub async fn begin(kafka: &Kafka, user: &str, id: String, topic: &str) -> Self {
        let mut client = sign_in(kafka, 1, user, Mechanism::Sha256).await.unwrap();
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(transactional_id(&id)))
            .with_transaction_timeout_ms(600_000)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let deadline = tokio::time::Instant::now() + SOON;
        // Not before the coordinator has been chosen and has loaded.
        let producer = loop {
            crate::groups::choose_coordinator(&mut client, 1, &id).await;
            let answer = client.call(request.clone(), 4).await.unwrap();
            if answer.error_code == 0 {
                break (answer.producer_id, answer.producer_epoch);
            }
            assert!(tokio::time::Instant::now() < deadline, "error {}", answer.error_code);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let mut this = Self { client, id, identity: producer, topic: topic.to_owned(), sequence: 0 };
        let partition = AddPartitionsToTxnTopic::default().with_name(codec_name(topic)).with_partitions(vec![0]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(transactional_id(&this.id))
            .with_v3_and_below_producer_id(producer.0)
            .with_v3_and_below_producer_epoch(producer.1)
            .with_v3_and_below_topics(vec![partition]);
        let answer = this.client.call(request, 3).await.unwrap();
        assert_eq!(answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code, 0);
        assert_eq!(this.send("first").await, 0);
        this
    }

    async fn send(&mut self, value: &str) -> i16 {
        let (producer, epoch) = self.identity;
        let transaction = Some((&*self.id, producer, epoch, self.sequence));
        self.sequence += 1;
        produce_as(&mut self.client, &self.topic, value, transaction).await.unwrap()
    }

    pub fn producer_id(&self) -> i64 {
        self.identity.0.0
    }

    async fn commit(&mut self) -> i16 {
        self.end(true).await
    }

    pub async fn end(&mut self, committed: bool) -> i16 {
        let request = EndTxnRequest::default()
            .with_transactional_id(transactional_id(&self.id))
            .with_producer_id(self.identity.0)
            .with_producer_epoch(self.identity.1)
            .with_committed(committed);
        self.client.call(request, 3).await.unwrap().error_code
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_the_transaction_of_the_dead_is_aborted_and_the_living_one_commits() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let workspace = unique("w");
    let topic = topic(&cluster, &workspace).await;
    let (dead, living) = (principal(&workspace), principal(&workspace));
    cluster.ensure_principals(&[dead.clone(), living.clone()]).await.unwrap();
    let id = |name: &str| format!("{workspace}-{name}");
    // One of another workspace, whose transactions must not even be looked at.
    let foreign = principal(&unique("w"));
    cluster.make_principals(std::slice::from_ref(&foreign)).await.unwrap();
    let foreign_topic = crate::support::topic(&cluster, &foreign.workspace).await;
    let mut of_foreign =
        Producer::begin(kafka, &foreign.name, format!("{}-p", foreign.workspace), &foreign_topic).await;

    let of_dead = Producer::begin(kafka, &dead.name, id("dead"), &topic).await;
    let mut of_living = Producer::begin(kafka, &living.name, id("living"), &topic).await;
    assert!(cluster.cut_off(&dead.name, SOON).await.unwrap().is_proved());

    let watch = Duration::from_secs(3);
    let prefix = format!("{workspace}-");
    let mut aborting = std::pin::pin!(cluster.abort_transactions(&prefix, watch));
    let aborted = loop {
        tokio::select! {
            aborted = &mut aborting => break aborted.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(300)) => assert_eq!(of_living.send("more").await, 0),
        }
    };
    assert_eq!(aborted, [id("dead")]);
    assert_eq!(of_living.send("last").await, 0);
    assert_eq!(of_living.commit().await, 0);
    assert_eq!(of_foreign.commit().await, 0);
    drop(of_dead);
    // Nothing holds readers of committed records back any more.
    let mut reader = sign_in(kafka, 1, &living.name, Mechanism::Sha256).await.unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        let values = fetch(&mut reader, &topic, 0, Duration::from_millis(100), true).await.unwrap().unwrap();
        if values.iter().any(|value| value == "last") {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "still held back: {values:?}");
    }
    assert!(cluster.abort_transactions(&prefix, watch).await.unwrap().is_empty());
}
