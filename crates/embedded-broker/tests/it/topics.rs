use std::collections::BTreeMap;

use kafka_protocol::messages::{
    AlterConfigsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, DescribeClusterRequest,
    DescribeConfigsRequest, IncrementalAlterConfigsRequest, MetadataRequest, alter_configs_request,
    create_partitions_request::CreatePartitionsTopic,
    create_topics_request::{CreatableTopic, CreatableTopicConfig},
    delete_topics_request::DeleteTopicState,
    describe_configs_request::DescribeConfigsResource,
    incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
    metadata_request::MetadataRequestTopic,
};
use twinkey_embedded_broker::{ConfigChange, Scope, TopicChanges};
use twinkey_kafka_wire::client::Client;

use crate::support::{start, start_with, text, topic};

fn creatable(name: &str, partitions: i32) -> CreatableTopic {
    CreatableTopic::default().with_name(topic(name)).with_num_partitions(partitions).with_replication_factor(-1)
}

async fn create(client: &mut Client, new: CreatableTopic, version: i16) -> (i16, String) {
    let request = CreateTopicsRequest::default().with_topics(vec![new]);
    let result = client.call(request, version).await.unwrap().topics.remove(0);
    (result.error_code, result.error_message.map(|message| message.to_string()).unwrap_or_default())
}

fn asks_for(name: &str) -> MetadataRequest {
    MetadataRequest::default().with_topics(Some(vec![MetadataRequestTopic::default().with_name(Some(topic(name)))]))
}

async fn retention(client: &mut Client, version: i16) -> (String, i8) {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("w-clicks"))
        .with_configuration_keys(Some(vec![text("retention.ms")]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let mut answer = client.call(request, version).await.unwrap();
    let config = answer.results.remove(0).configs.remove(0);
    (config.value.unwrap().to_string(), config.config_source)
}

#[tokio::test]
async fn a_topic_lives_and_dies() {
    let server = start().await;
    let mut client = server.client("tk-1").await;
    let config = CreatableTopicConfig::default().with_name(text("retention.ms")).with_value(Some(text("1000")));
    let new = creatable("w-clicks", 3).with_configs(vec![config]);
    let dry = CreateTopicsRequest::default().with_topics(vec![new.clone()]).with_validate_only(true);
    assert_eq!(client.call(dry, 7).await.unwrap().topics[0].error_code, 0);
    assert_eq!(server.broker.topic("w-clicks"), None);
    assert_eq!(create(&mut client, new.clone(), 7).await, (0, String::new()));
    assert_eq!(create(&mut client, new, 7).await.0, 36);
    let described = server.broker.topic("w-clicks").unwrap();
    assert_eq!((described.partitions, described.retention_ms), (3, 1000));
    for version in 0..=13 {
        let answer = client.call(asks_for("w-clicks"), version).await.unwrap();
        assert_eq!((answer.topics[0].error_code, answer.topics[0].partitions.len()), (0, 3));
        assert_eq!(answer.brokers[0].port, i32::from(server.broker.local_addr().port()));
        if version >= 10 {
            assert_eq!(answer.topics[0].topic_id, described.id);
        }
    }
    let by_id = MetadataRequestTopic::default().with_name(None).with_topic_id(described.id);
    let answer = client.call(MetadataRequest::default().with_topics(Some(vec![by_id])), 12).await.unwrap();
    assert_eq!(answer.topics[0].name.as_ref().unwrap().as_str(), "w-clicks");

    for version in 1..=4 {
        assert_eq!(retention(&mut client, version).await, ("1000".to_owned(), 1));
    }
    let resource = |operation, value: Option<&str>| {
        let config = AlterableConfig::default()
            .with_name(text("retention.ms"))
            .with_config_operation(operation)
            .with_value(value.map(text));
        let resource = AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text("w-clicks"))
            .with_configs(vec![config]);
        IncrementalAlterConfigsRequest::default().with_resources(vec![resource])
    };
    for (operation, value, expected) in [(0, Some("2000"), 0), (0, Some("abc"), 40), (0, None, 40), (2, Some("1"), 40)]
    {
        let answer = client.call(resource(operation, value), 1).await.unwrap();
        assert_eq!(answer.responses[0].error_code, expected);
    }
    assert_eq!(retention(&mut client, 4).await, ("2000".to_owned(), 1));
    client.call(resource(1, None), 1).await.unwrap();
    assert_eq!(retention(&mut client, 4).await, ("604800000".to_owned(), 5));
    let set = alter_configs_request::AlterableConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("3000")));
    let set = alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("w-clicks"))
        .with_configs(vec![set]);
    let answer = client.call(AlterConfigsRequest::default().with_resources(vec![set]), 2).await.unwrap();
    assert_eq!(answer.responses[0].error_code, 0);
    assert_eq!(retention(&mut client, 4).await, ("3000".to_owned(), 1));

    for (count, expected) in [(5, 0), (5, 37), (2, 37), (1_000_000, 37)] {
        let grown =
            CreatePartitionsTopic::default().with_name(topic("w-clicks")).with_count(count).with_assignments(None);
        let answer = client.call(CreatePartitionsRequest::default().with_topics(vec![grown]), 3).await.unwrap();
        assert_eq!(answer.results[0].error_code, expected, "{count}");
    }
    assert_eq!(server.broker.topic("w-clicks").unwrap().partitions, 5);

    let by_id = DeleteTopicState::default().with_topic_id(described.id);
    let answer = client.call(DeleteTopicsRequest::default().with_topics(vec![by_id]), 6).await.unwrap();
    assert_eq!(answer.responses[0].error_code, 0);
    let by_name = DeleteTopicsRequest::default().with_topic_names(vec![topic("w-clicks")]);
    assert_eq!(client.call(by_name, 5).await.unwrap().responses[0].error_code, 3);
    assert_eq!(client.call(asks_for("w-clicks"), 12).await.unwrap().topics[0].error_code, 3);
}

#[tokio::test]
async fn topics_that_cannot_be_are_refused_with_a_sentence() {
    let server = start().await;
    let mut client = server.client("tk-1").await;
    assert_eq!(create(&mut client, creatable("w-a.b", -1), 5).await.0, 0);
    let unknown = CreatableTopicConfig::default().with_name(text("no.such.key")).with_value(Some(text("1")));
    for (new, expected) in [
        (creatable("w-a_b", 1), 17),
        (creatable("w-ä", 1), 17),
        (creatable(&format!("w-{}", "x".repeat(300)), 1), 17),
        (creatable("w-x", 0), 37),
        (creatable("w-x", -2), 37),
        (creatable("w-x", 1_000_000), 37),
        (creatable("w-x", 1).with_replication_factor(3), 38),
        (creatable("w-x", 1).with_configs(vec![unknown]), 40),
        (creatable("other-x", 1), 29),
        (creatable("", 1), 29),
    ] {
        let (code, sentence) = create(&mut client, new, 7).await;
        assert_eq!(code, expected, "{sentence}");
        assert!(sentence.len() > 20, "{sentence}");
    }
    let twice = CreateTopicsRequest::default().with_topics(vec![creatable("w-x", 1), creatable("w-x", 1)]);
    let answer = client.call(twice, 7).await.unwrap();
    assert!(answer.topics.iter().all(|topic| topic.error_code == 42));
}

#[tokio::test]
async fn the_owner_and_the_clients_see_one_thing() {
    let server = start().await;
    let new = twinkey_embedded_broker::NewTopic { name: "w-orders".to_owned(), partitions: 1, config: BTreeMap::new() };
    server.broker.create_topic(new).unwrap();
    let mut client = server.client("tk-1").await;
    let all = MetadataRequest::default().with_topics(None);
    assert_eq!(client.call(all.clone(), 12).await.unwrap().topics.len(), 1);
    assert_eq!(client.call(MetadataRequest::default().with_topics(Some(vec![])), 0).await.unwrap().topics.len(), 1);
    assert_eq!(client.call(MetadataRequest::default().with_topics(Some(vec![])), 1).await.unwrap().topics.len(), 0);
    let changes = TopicChanges {
        partitions: Some(4),
        config: vec![ConfigChange::Set("retention.bytes".to_owned(), "1000".to_owned())],
    };
    let changed = server.broker.alter_topic("w-orders", &changes).unwrap();
    assert_eq!((changed.partitions, changed.retention_bytes), (4, 1000));
    assert!(
        server
            .broker
            .alter_topic("w-orders", &TopicChanges { partitions: Some(2), ..TopicChanges::default() })
            .is_err()
    );
    assert_eq!(client.call(all.clone(), 12).await.unwrap().topics[0].partitions.len(), 4);
    server.broker.clean_topic("w-orders").unwrap();
    server.broker.delete_topic("w-orders").unwrap();
    assert_eq!(client.call(all, 12).await.unwrap().topics.len(), 0);
    assert!(server.broker.topics(&Scope::of_workspace("w")).is_empty());
}

#[tokio::test]
async fn topics_are_created_by_being_asked_for_only_where_that_is_on() {
    for (on, allow, expected) in [(false, true, 3), (true, false, 3), (true, true, 0)] {
        let server = start_with(twinkey_embedded_broker::Limits::default(), on).await;
        let mut client = server.client("tk-1").await;
        let request = asks_for("w-new").with_allow_auto_topic_creation(allow);
        assert_eq!(client.call(request, 12).await.unwrap().topics[0].error_code, expected);
        let outside = asks_for("other-new").with_allow_auto_topic_creation(true);
        assert_eq!(client.call(outside, 12).await.unwrap().topics[0].error_code, 29);
        assert_eq!(server.broker.topic("other-new"), None);
    }
}

#[tokio::test]
async fn the_cluster_is_one_broker() {
    let server = start().await;
    let mut client = server.client("tk-1").await;
    for version in 0..=2 {
        let answer = client.call(DescribeClusterRequest::default(), version).await.unwrap();
        assert_eq!((answer.error_code, answer.cluster_id.as_str(), answer.brokers.len()), (0, "test-cluster", 1));
        assert_eq!((answer.brokers[0].broker_id.0, answer.brokers[0].host.as_str()), (1, "localhost"));
        assert_eq!(answer.cluster_authorized_operations, i32::MIN);
    }
    let controllers = DescribeClusterRequest::default().with_endpoint_type(2);
    assert_eq!(client.call(controllers, 1).await.unwrap().error_code, 115);
}
