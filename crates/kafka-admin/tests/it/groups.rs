//! Consumer groups: seen, and deleted once they are empty.

use kafka_protocol::{
    messages::{
        FindCoordinatorRequest, GroupId, JoinGroupRequest, LeaveGroupRequest,
        join_group_request::JoinGroupRequestProtocol,
    },
    protocol::StrBytes,
};
use twinkey_kafka_admin::{Mechanism, Refusal};
use twinkey_kafka_wire::client::Client;
use twinkey_testbed::kafka::Kafka;

use crate::support::{SOON, admin, principal, sign_in, unique};

/// Asks who coordinates a group (0) or a transactional id (1): on a fresh cluster that is what makes Kafka choose.
pub async fn choose_coordinator(client: &mut Client, kind: i8, key: &str) {
    let keys = vec![StrBytes::from_string(key.to_owned())];
    let request = FindCoordinatorRequest::default().with_key_type(kind).with_coordinator_keys(keys);
    client.call(request, 4).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_seen_and_an_empty_group_can_be_deleted() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let token = principal(&unique("w"));
    cluster.make_principals(std::slice::from_ref(&token)).await.unwrap();
    let (prefix, id) = (format!("{}-", token.workspace), format!("{}-readers", token.workspace));
    let group = GroupId(StrBytes::from_string(id.clone()));
    let mut client = sign_in(kafka, 1, &token.name, Mechanism::Sha256).await.unwrap();
    client.set_client_id("reader-7");
    let protocol = JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
    let mut join = JoinGroupRequest::default()
        .with_group_id(group.clone())
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![protocol]);
    let deadline = tokio::time::Instant::now() + SOON;
    // The first answers may be: no coordinator yet; then: here is your member id, come again.
    let member = loop {
        choose_coordinator(&mut client, 0, &id).await;
        let answer = client.call(join.clone(), 5).await.unwrap();
        if answer.error_code == 0 {
            break answer.member_id;
        }
        assert!(tokio::time::Instant::now() < deadline, "error {}", answer.error_code);
        join.member_id = answer.member_id;
    };
    // Kafka 4 lists a group once its own log has it committed, which the answer to the member does not wait for.
    let seen = loop {
        let seen = cluster.groups(&prefix).await.unwrap();
        assert!(seen.silent.is_empty(), "{seen:?}");
        if !seen.groups.is_empty() || tokio::time::Instant::now() > deadline {
            break seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(seen.groups.len(), 1, "{seen:?}");
    assert_eq!(seen.groups[0].id, id);
    let members = &seen.groups[0].members;
    assert_eq!((members.len(), &*members[0].client_id, &*members[0].host), (1, "reader-7", "127.0.0.1"), "{members:?}");
    let error = cluster.delete_groups(std::slice::from_ref(&id)).await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::InUse), "{error}");
    let error = cluster.delete_group(&id).await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::InUse), "{error}");
    client.call(LeaveGroupRequest::default().with_group_id(group).with_member_id(member), 2).await.unwrap();
    let error = cluster.delete_group(&format!("{prefix}never-was")).await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::NotFound), "{error}");
    cluster.delete_groups(&[id, format!("{prefix}never-was")]).await.unwrap();
    assert!(cluster.groups(&prefix).await.unwrap().groups.is_empty());
}
