//! Deleting a workspace: its tokens die as in a rotation, and nothing of it stays (g2, g6).

use std::time::Duration;

use kafka_protocol::{
    messages::{
        FindCoordinatorRequest, GroupId, ListGroupsRequest, OffsetCommitRequest, TopicName,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    },
    protocol::StrBytes,
};
use serde_json::{Value, json};
use twinkey_api::{Role, WorkspaceId, token_pair::Slot};
use twinkey_server::audit::{self, Verdict};
use twinkey_testkit::{Answer, Method, Stream, TestServer, kafka::Credentials};

async fn create(server: &TestServer, id: &str) -> Answer {
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": id})).await
}

async fn delete(server: &TestServer, id: &str, typed: &str, who: &str) -> Answer {
    let body = json!({"workspaceId": typed, "reason": "test"});
    server.api.send(server.api.request(Method::DELETE, &format!("/workspaces/{id}"), who).json(&body)).await
}

/// Commits an offset as a consumer does that keeps its own assignment.
pub async fn commit(stream: &mut Stream, group: &str, topic: &str) {
    for _ in 0..200 {
        let keys = vec![StrBytes::from_string(group.to_owned())];
        let find = FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(keys);
        stream.client.call(find, 4).await.expect("connected");
        let partition = OffsetCommitRequestPartition::default().with_partition_index(0).with_committed_offset(1);
        let topic = OffsetCommitRequestTopic::default()
            .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(StrBytes::from_string(group.to_owned())))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![topic]);
        let answer = stream.client.call(request, 8).await.expect("connected");
        match answer.topics[0].partitions[0].error_code {
            0 => return,
            // A fresh cluster is still choosing who coordinates.
            14..=16 => tokio::time::sleep(Duration::from_millis(50)).await,
            code => panic!("error {code}"),
        }
    }
    panic!("no coordinator");
}

/// The groups that the holder of a token sees.
pub async fn groups(stream: &mut Stream) -> Vec<String> {
    let answer = stream.client.call(ListGroupsRequest::default(), 4).await.expect("connected");
    answer.groups.into_iter().map(|group| group.group_id.to_string()).collect()
}

async fn actions(server: &TestServer, workspace: &str) -> Vec<String> {
    let records = server.api.get("/audit?limit=100", &server.admin).await.ok();
    let records = records.as_array().expect("a list").iter().rev();
    // What this reads for itself, and what comes of trying dead tokens, at some time.
    let noise = ["token.revealed", "token.used_after_deletion"];
    let noise = |it: &Value| noise.iter().any(|action| it["action"] == *action);
    let of = records.filter(|it| it["workspaceId"] == workspace && !noise(it));
    of.map(|it| it["action"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_when_a_deletion_is_answered_nothing_of_the_workspace_is_left() {
    let server = TestServer::start().await;
    let acme = server.own("acme");
    create(&server, &acme).await.ok();
    let user = server.user("editor@example.org", Role::Viewer, Some((&acme, Role::Editor))).await;
    server.api.post(&format!("/{acme}/topics"), &user, &json!({"name": "orders"})).await.ok();
    server.api.post(&format!("/{acme}/topics"), &user, &json!({"name": "changelog__x--y--z"})).await.ok();
    let tokens = [
        server.api.reveal(&acme, Slot::Current, &server.admin).await,
        server.api.reveal(&acme, Slot::Next, &server.admin).await,
    ];
    let mut open = Vec::new();
    for token in &tokens {
        open.push((Credentials::of(&server.api, &acme, token).await, Stream::open(&server.api, &acme, token).await));
    }
    let (orders, readers) = (format!("{acme}-orders"), format!("{acme}-readers"));
    open[0].1.produce(&orders, "x").await.expect("connected").expect("may write");
    commit(&mut open[0].1, &readers, &orders).await;
    assert_eq!(groups(&mut open[1].1).await, [readers.as_str()]);

    let answer = delete(&server, &acme, &acme, &server.admin).await.ok();
    assert_eq!((&answer["state"], &answer["waitingFor"]), (&json!("deleted"), &Value::Null), "{answer}");
    assert_eq!(answer["cutOff"], json!({"state": "proved", "open": []}));
    assert_eq!(answer["deactivated"].as_array().expect("a list").len(), 2);
    let embedded = server.kafka().is_none();
    assert_eq!(answer["connectionsClosed"], if embedded { 2 } else { 0 });
    for (token, (credentials, stream)) in tokens.iter().zip(&mut open) {
        let refused = server.api.get("/workspaces", token).await;
        assert_eq!(refused.json()["code"], "WorkspaceDeleted");
        let message = refused.refused(401);
        assert!(message.contains(&acme) && message.contains("was deleted at"), "{message}");
        assert!(credentials.sign_in().await.is_err());
        assert!(!matches!(stream.produce(&orders, "y").await, Ok(Ok(_))), "an open connection is served");
    }
    server.api.get(&format!("/workspaces/{acme}"), &server.admin).await.refused(404);
    delete(&server, &acme, &acme, &server.admin).await.refused(404);
    assert_eq!(
        actions(&server, &acme).await,
        ["workspace.created", "topic.created", "topic.created", "workspace.deleted", "workspace.deletion_finished"]
    );

    // Its id is free again, for another workspace: without topics, groups, members, and with tokens of its own.
    create(&server, &acme).await.ok();
    assert_eq!(server.api.get(&format!("/{acme}/topics"), &server.admin).await.ok(), json!([]));
    server.api.post(&format!("/{acme}/topics"), &user, &json!({"name": "orders"})).await.refused(403);
    let fresh = server.api.reveal(&acme, Slot::Current, &server.admin).await;
    let mut stream = Stream::open(&server.api, &acme, &fresh).await;
    assert!(groups(&mut stream).await.is_empty());
    server.api.post(&format!("/{acme}/topics"), &server.admin, &json!({"name": "orders"})).await.ok();
    assert!(stream.read_all(&orders).await.is_empty());
    for token in &tokens {
        assert_eq!(server.api.get("/workspaces", token).await.json()["code"], "WorkspaceDeleted");
    }
    assert!(matches!(audit::verify(&*server.app().db).await, Ok(Verdict::Intact { .. })));
    let server = server.restart().await;
    assert!(server.api.accepts(&acme, &fresh).await && !server.api.accepts(&acme, &tokens[0]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_takes_the_id_once_more_and_the_role_manager() {
    let server = TestServer::start().await;
    let acme = server.own("acme");
    create(&server, &acme).await.ok();
    let token = server.api.reveal(&acme, Slot::Current, &server.admin).await;
    for typed in ["", "acm", server.workspace()] {
        let message = delete(&server, &acme, typed, &server.admin).await.refused(400);
        assert!(message.contains("Nothing was deleted"), "{message}");
    }
    let bare = server.api.send(server.api.request(Method::DELETE, &format!("/workspaces/{acme}"), &server.admin)).await;
    assert!(matches!(bare.status.as_u16(), 400 | 415 | 422), "{}", bare.text);
    delete(&server, &acme, &acme, &token).await.refused(403);
    delete(&server, "nothing", "nothing", &server.admin).await.refused(404);
    for (email, role, narrower, status) in [
        ("editor@example.org", Role::Editor, None, 403),
        ("narrow@example.org", Role::Admin, Some((acme.as_str(), Role::Editor)), 403),
        ("nobody@example.org", Role::Admin, Some((acme.as_str(), Role::None)), 404),
    ] {
        let user = server.user(email, role, narrower).await;
        delete(&server, &acme, &acme, &user).await.refused(status);
    }
    assert!(server.api.accepts(&acme, &token).await);
    assert_eq!(actions(&server, &acme).await, ["workspace.created"]);
    let manager = server.user("manager@example.org", Role::Viewer, Some((&acme, Role::Manager))).await;
    delete(&server, &acme, &acme, &manager).await.ok();
    assert!(!server.api.accepts(&acme, &token).await);
}

/// While something has to be waited for, the tokens are dead, the id is taken, and whoever asks again is told.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_deleted_can_neither_be_used_nor_made_again() {
    let server = TestServer::start().await;
    let acme = server.own("acme");
    create(&server, &acme).await.ok();
    let token = server.api.reveal(&acme, Slot::Current, &server.admin).await;
    // A topic is being made, and the deletion waits for it.
    let app = server.app().clone();
    let creating = app.topic_creations.read().await;
    let answer = delete(&server, &acme, &acme, &server.admin).await;
    assert_eq!((answer.status.as_u16(), answer.json()["state"].as_str()), (202, Some("deleting")), "{}", answer.text);
    assert_eq!(server.api.get("/workspaces", &token).await.json()["code"], "WorkspaceDeleted");
    let listed = server.api.get("/workspaces", &server.admin).await.ok();
    let status = |list: &Value| {
        list.as_array()?.iter().find(|it| it["workspaceId"] == acme)?["status"].as_str().map(str::to_owned)
    };
    assert_eq!(status(&listed).as_deref(), Some("Deleting"));
    let message = create(&server, &acme).await.refused(409);
    assert!(message.contains("is being deleted"), "{message}");
    for path in ["", "/tokens"] {
        server.api.get(&format!("/workspaces/{acme}{path}"), &server.admin).await.refused(404);
    }
    server.api.rotate(&acme, &server.admin, 0).await.refused(404);
    let again = delete(&server, &acme, &acme, &server.admin);
    let release = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(creating);
    };
    let (again, ()) = tokio::join!(again, release);
    assert_eq!(again.ok()["deactivated"], json!([]), "the first call ended them");
    let names: Vec<_> = actions(&server, &acme).await;
    assert_eq!(names, ["workspace.created", "workspace.deleted", "workspace.deletion_finished"]);
    create(&server, &acme).await.ok();
}

/// A topic that somebody makes at the same time is either deleted with the workspace or refused.
#[tokio::test(flavor = "multi_thread")]
async fn no_topic_survives_its_workspace() {
    let server = TestServer::start().await;
    let acme = server.own("acme");
    for round in 0..5 {
        create(&server, &acme).await.ok();
        let make = async |number: u64| {
            tokio::time::sleep(Duration::from_millis(number * (round + 1))).await;
            let body = json!({"name": format!("topic-{number}")});
            server.api.post(&format!("/{acme}/topics"), &server.admin, &body).await.status.as_u16()
        };
        let end = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            delete(&server, &acme, &acme, &server.admin).await.ok();
        };
        let (statuses, ()) = tokio::join!(futures::future::join_all((0..20).map(make)), end);
        assert!(statuses.iter().all(|status| matches!(status, 200 | 404)), "{statuses:?}");
        let id = WorkspaceId::parse(&acme).expect("an id");
        assert!(server.app().broker.topics(&id).await.expect("listed").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_can_be_renamed() {
    let server = TestServer::start().await;
    let path = server.own("/workspaces/demo");
    let rename = async |name: &str, who: &str| {
        server.api.send(server.api.request(Method::PATCH, &path, who).json(&json!({"name": name}))).await
    };
    let editor = server.user("editor@example.org", Role::Editor, None).await;
    rename("Orders", &editor).await.refused(403);
    rename(" ", &server.admin).await.refused(400);
    // Whoever lists workspaces on a terminal must not have it obey a name.
    rename("Orders\u{1b}[2J", &server.admin).await.refused(400);
    assert_eq!(rename("Orders", &server.admin).await.ok()["name"], "Orders");
    let last = server.api.get("/audit?limit=1", &server.admin).await.ok();
    assert_eq!(last[0]["action"], "workspace.renamed");
    assert_eq!(server.api.get(&path, &server.admin).await.ok()["name"], "Orders");
    assert_eq!(last[0]["detail"], json!({"before": server.workspace(), "after": "Orders"}).to_string());
}
