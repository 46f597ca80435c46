//! Another workspace's topic, in every API that takes one, whether or not it exists.

use std::collections::BTreeMap;

use kafka_protocol::messages::*;
use twinkey_embedded_broker::NewTopic;

use crate::support::{start, text, topic};

#[tokio::test]
async fn other_workspaces_topics_are_refused_alike_whether_or_not_they_exist() {
    let server = start().await;
    let new = |name: &str| NewTopic { name: name.to_owned(), partitions: 1, config: BTreeMap::new() };
    let exists = server.broker.create_topic(new("other-exists")).unwrap();
    server.broker.create_topic(new("w-mine")).unwrap();
    let mut client = server.client("tk-1").await;

    for name in ["other-exists", "other-missing", "w", "w-", "wx-a"] {
        let asked = metadata_request::MetadataRequestTopic::default().with_name(Some(topic(name)));
        let answer = client.call(MetadataRequest::default().with_topics(Some(vec![asked])), 12).await.unwrap();
        assert_eq!((answer.topics[0].error_code, answer.topics[0].partitions.len()), (29, 0), "{name}");

        let new = create_topics_request::CreatableTopic::default()
            .with_name(topic(name))
            .with_num_partitions(1)
            .with_replication_factor(1);
        let answer = client.call(CreateTopicsRequest::default().with_topics(vec![new]), 7).await.unwrap();
        assert_eq!(answer.topics[0].error_code, 29);

        let answer = client.call(DeleteTopicsRequest::default().with_topic_names(vec![topic(name)]), 5).await.unwrap();
        assert_eq!(answer.responses[0].error_code, 29);

        let grown = create_partitions_request::CreatePartitionsTopic::default()
            .with_name(topic(name))
            .with_count(5)
            .with_assignments(None);
        let answer = client.call(CreatePartitionsRequest::default().with_topics(vec![grown]), 3).await.unwrap();
        assert_eq!(answer.results[0].error_code, 29);

        for (resource_type, expected) in [(2, 29), (4, 31), (8, 31), (32, 31), (77, 31)] {
            let resource = describe_configs_request::DescribeConfigsResource::default()
                .with_resource_type(resource_type)
                .with_resource_name(text(name));
            let answer =
                client.call(DescribeConfigsRequest::default().with_resources(vec![resource]), 4).await.unwrap();
            assert_eq!((answer.results[0].error_code, answer.results[0].configs.len()), (expected, 0));
            let resource = incremental_alter_configs_request::AlterConfigsResource::default()
                .with_resource_type(resource_type)
                .with_resource_name(text(name));
            let answer =
                client.call(IncrementalAlterConfigsRequest::default().with_resources(vec![resource]), 1).await.unwrap();
            assert_eq!(answer.responses[0].error_code, expected);
            let resource = alter_configs_request::AlterConfigsResource::default()
                .with_resource_type(resource_type)
                .with_resource_name(text(name));
            let answer = client.call(AlterConfigsRequest::default().with_resources(vec![resource]), 2).await.unwrap();
            assert_eq!(answer.responses[0].error_code, expected);
        }

        let data = produce_request::PartitionProduceData::default();
        let data = produce_request::TopicProduceData::default().with_name(topic(name)).with_partition_data(vec![data]);
        let answer = client
            .call(ProduceRequest::default().with_acks(1).with_transactional_id(None).with_topic_data(vec![data]), 9)
            .await
            .unwrap();
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 29);

        let partition = fetch_request::FetchPartition::default().with_partition_max_bytes(1000);
        let one = fetch_request::FetchTopic::default().with_topic(topic(name)).with_partitions(vec![partition]);
        let answer =
            client.call(FetchRequest::default().with_max_bytes(1000).with_topics(vec![one]), 12).await.unwrap();
        assert_eq!(answer.responses[0].partitions[0].error_code, 29);

        let partition = list_offsets_request::ListOffsetsPartition::default().with_timestamp(-1);
        let one =
            list_offsets_request::ListOffsetsTopic::default().with_name(topic(name)).with_partitions(vec![partition]);
        let answer = client
            .call(ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![one]), 7)
            .await
            .unwrap();
        assert_eq!(answer.topics[0].partitions[0].error_code, 29);

        let partition = offset_for_leader_epoch_request::OffsetForLeaderPartition::default();
        let one = offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
            .with_topic(topic(name))
            .with_partitions(vec![partition]);
        let answer = client.call(OffsetForLeaderEpochRequest::default().with_topics(vec![one]), 4).await.unwrap();
        assert_eq!(answer.topics[0].partitions[0].error_code, 29);

        let partition = delete_records_request::DeleteRecordsPartition::default();
        let one = delete_records_request::DeleteRecordsTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition]);
        let answer = client.call(DeleteRecordsRequest::default().with_topics(vec![one]), 2).await.unwrap();
        assert_eq!(answer.topics[0].partitions[0].error_code, 29);
    }

    // By id: what is outside does not exist.
    for id in [exists.id, uuid::Uuid::from_u128(1)] {
        let asked = metadata_request::MetadataRequestTopic::default().with_name(None).with_topic_id(id);
        let answer = client.call(MetadataRequest::default().with_topics(Some(vec![asked])), 12).await.unwrap();
        assert_eq!((answer.topics[0].error_code, &answer.topics[0].name), (100, &None));
        let asked = delete_topics_request::DeleteTopicState::default().with_topic_id(id);
        let answer = client.call(DeleteTopicsRequest::default().with_topics(vec![asked]), 6).await.unwrap();
        assert_eq!((answer.responses[0].error_code, &answer.responses[0].name), (100, &None));
    }

    let all = client.call(MetadataRequest::default().with_topics(None), 12).await.unwrap();
    let names: Vec<_> = all.topics.iter().filter_map(|topic| topic.name.as_ref()).map(|name| name.as_str()).collect();
    assert_eq!(names, ["w-mine"]);
    assert!(server.broker.topic("other-exists").is_some());
}
