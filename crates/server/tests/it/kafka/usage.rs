//! Who uses which token on Apache Kafka (B1, B2): what can be seen there, and that the verdict says what cannot.

use jiff::SignedDuration;
use kafka_protocol::{
    messages::{FindCoordinatorRequest, GroupId, JoinGroupRequest, join_group_request::JoinGroupRequestProtocol},
    protocol::StrBytes,
};
use serde_json::{Value, json};
use twinkey_api::token_pair::Slot;
use twinkey_kafka_wire::{client::SaslMechanism, scram::Mechanism};
use twinkey_testkit::{Stream, TestServer, kafka::Credentials};

use super::{server, until};

/// A member of a group that was given its credentials for `token`; it calls itself what it was told, unless it has a name.
async fn member(server: &TestServer, token: &str, group: &str, name: Option<&str>) -> Stream {
    let answer = server.api.get(&server.own("/workspaces/demo/broker/librdkafka"), token).await.ok();
    let credentials = Credentials::from_librdkafka(&answer);
    let mut client = credentials.connect().await.expect("reachable");
    client.set_client_id(name.unwrap_or_else(|| answer["client.id"].as_str().expect("a text")));
    let mechanism = SaslMechanism::Scram(Mechanism::Sha256);
    client.sign_in(mechanism, &credentials.username, &credentials.password).await.expect("a valid token signs in");
    let id = StrBytes::from_string(server.topic(group));
    let protocol = JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
    let mut join = JoinGroupRequest::default()
        .with_group_id(GroupId(id.clone()))
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![protocol]);
    // The first answers may be: no coordinator yet; then: here is your member id, come again.
    for _ in 0..600 {
        let find = FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(vec![id.clone()]);
        client.call(find, 4).await.expect("answered");
        let answer = client.call(join.clone(), 5).await.expect("answered");
        if answer.error_code == 0 {
            return Stream { client };
        }
        join.member_id = answer.member_id;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("not a member within a minute");
}

async fn usage(server: &TestServer) -> Value {
    server.api.get(&server.own("/workspaces/demo/tokens/usage"), &server.admin).await.ok()
}

fn cannot_see(usage: &Value) -> String {
    let list = usage["safeToRotate"]["cannotSee"].as_array().expect("a list");
    list.iter().map(|it| it.as_str().expect("a sentence")).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_b2_every_group_member_names_its_token_and_the_verdict_says_what_is_not_seen() {
    let server = server().await;
    let [first, second] = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    let fresh = usage(&server).await;
    assert!(cannot_see(&fresh).contains("They were never fetched with Token 1"), "{fresh:#}");
    assert_eq!(fresh["tokens"][0]["openConnections"], Value::Null, "nobody can tell");
    let one = member(&server, &first, "orders", None).await;
    let _other = member(&server, &second, "billing", None).await;
    let nameless = member(&server, &second, "legacy", Some("own-name")).await;
    // So long ago that only what is open counts.
    server.advance(SignedDuration::from_hours(2));

    // The cluster is asked once a second at most, and may have been a moment ago.
    until("the member of orders is seen", async || {
        usage(&server).await["safeToRotate"]["reasons"].as_array().is_some_and(|it| !it.is_empty())
    })
    .await;
    let seen = usage(&server).await;
    let groups = |token: usize| {
        let clients = seen["tokens"][token]["clients"].as_array().expect("a list");
        clients.iter().flat_map(|it| it["groups"].as_array().expect("a list").clone()).collect::<Vec<_>>()
    };
    assert_eq!((groups(0), groups(1)), (vec![json!("orders")], vec![json!("billing")]), "{seen:#}");
    let verdict = &seen["safeToRotate"];
    assert_eq!(verdict["reasons"][0]["because"], json!(["groupMember"]), "{verdict:#}");
    assert!(verdict["sentence"].as_str().expect("a sentence").contains("a member of orders"), "{verdict:#}");
    let blind = cannot_see(&seen);
    assert!(blind.contains("Producers, consumers outside of groups"), "{blind}");
    assert!(blind.contains("last fetched with Token 1 2 h ago"), "{blind}");
    assert!(blind.contains("`own-name` from") && blind.contains("names no token"), "{blind}");

    let rotate = async || {
        let body = json!({"expectedGeneration": 0});
        server.api.post(&server.own("/workspaces/demo/tokens/rotate"), &server.admin, &body).await
    };
    assert!(rotate().await.refused(409).contains("a member of orders"));
    drop((one, nameless));
    // The group notices that its member is gone when its session is over.
    until("the group is empty", async || usage(&server).await["safeToRotate"]["safe"] == true).await;
    rotate().await.ok();
}
