//! The use of tokens over time: by the minute for two days, by the hour for ninety.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use twinkey_api::token_pair::Slot;
use twinkey_server::db::usage_points::{self, HOUR, MINUTE};
use twinkey_testkit::TestServer;

async fn timeline(server: &TestServer, hours: u32) -> Value {
    let path = server.own(&format!("/workspaces/demo/tokens/usage/timeline?hours={hours}"));
    server.api.get(&path, &server.admin).await.ok()
}

/// Moves the clock to a second after the beginning of the next hour, so that no step ends while a test looks.
fn to_the_next_hour(server: &TestServer) {
    let second = server.app().now().as_second();
    server.advance(SignedDuration::from_secs(3600 - second.rem_euclid(3600) + 1));
}

fn sums(timeline: &Value, token: usize, number: &str) -> Vec<u64> {
    let points = timeline["tokens"][token]["points"].as_array().expect("a list");
    points.iter().map(|point| point[number].as_u64().expect("a number")).collect()
}

/// So many uses, stored at this moment: a use is in the step in which it was stored, a second or two later.
async fn uses(server: &TestServer, token: &str, count: usize) {
    for _ in 0..count {
        assert!(server.api.accepts(server.workspace(), token).await);
    }
    twinkey_server::usage::flush::flush(server.app()).await.expect("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_each_use_is_in_its_step_and_rotations_are_marked() {
    let server = TestServer::start().await;
    let [first, second] = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    to_the_next_hour(&server);
    uses(&server, &first, 2).await;
    server.advance(SignedDuration::from_mins(10));
    uses(&server, &first, 3).await;
    uses(&server, &second, 1).await;
    let seen = timeline(&server, 1).await;
    assert_eq!(
        (&seen["stepSeconds"], sums(&seen, 0, "requests"), sums(&seen, 1, "requests")),
        (&json!(60), vec![2, 3], vec![1])
    );
    assert!(sums(&seen, 0, "bytes").iter().all(|bytes| *bytes > 200), "{seen:#}");
    assert_eq!((&seen["tokens"][0]["label"], &seen["tokens"][1]["label"]), (&json!("Token 1"), &json!("Token 2")));
    assert_eq!(seen["rotations"], json!([]));
    let time = |value: &Value| value.as_str().expect("text").parse::<Timestamp>().expect("a time");
    let points = seen["tokens"][0]["points"].as_array().expect("a list");
    assert_eq!(time(&points[1]["at"]).duration_since(time(&points[0]["at"])), SignedDuration::from_mins(10));

    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    for _ in 0..4 {
        assert!(!server.api.accepts(server.workspace(), &first).await);
    }
    // Token 2 is Token 1 by now; the other one is dead, and its history goes on under its id.
    let seen = timeline(&server, 24).await;
    assert_eq!((&seen["stepSeconds"], sums(&seen, 0, "requests")), (&json!(300), vec![1]));
    assert_eq!(seen["rotations"][0]["generation"], 1);
    assert_eq!(seen["rotations"][0]["kind"], "normal");
    let dead = &seen["tokens"][2];
    assert_eq!((&dead["label"], dead["deactivatedAt"].is_string()), (&json!("deactivated"), true));
    assert_eq!((sums(&seen, 2, "requests"), sums(&seen, 2, "refused")), (vec![2, 3], vec![0, 4]));

    // All of it in one step, after a restart too.
    let server = server.restart().await;
    server.advance(SignedDuration::from_hours(1));
    let seen = timeline(&server, 100).await;
    assert_eq!(
        (&seen["stepSeconds"], sums(&seen, 2, "requests"), sums(&seen, 2, "refused")),
        (&json!(3600), vec![5], vec![4])
    );
    let reason = json!({"expectedGeneration": 1, "reason": "leaked"});
    server.api.post(&server.own("/workspaces/demo/tokens/emergency-rotation"), &server.admin, &reason).await.ok();
    let marks = timeline(&server, 2160).await["rotations"].clone();
    assert_eq!((&marks[0]["kind"], &marks[1]["kind"]), (&json!("normal"), &json!("emergency")));
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_connections_show_as_the_most_that_were_open_at_a_time() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    to_the_next_hour(&server);
    let [one, two] = [server.stream(&token).await, server.stream(&token).await];
    let seen = timeline(&server, 1).await;
    if server.kafka().is_some() {
        assert!(seen["tokens"][0]["points"].as_array().expect("a list").iter().all(|it| it["connections"].is_null()));
        return;
    }
    assert_eq!(sums(&seen, 0, "connections"), [2]);
    drop(two);
    // Nothing comes through any more, and it is open all the same.
    server.advance(SignedDuration::from_mins(5));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let seen = timeline(&server, 1).await;
        let connections = sums(&seen, 0, "connections");
        if connections == [2, 1] {
            break;
        }
        // The broker may not have noticed yet that one is closed; then that minute keeps both.
        assert!(connections == [2, 2] && std::time::Instant::now() < deadline, "{seen:#}");
        server.advance(SignedDuration::from_mins(1));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if sums(&timeline(&server, 1).await, 0, "connections").last() == Some(&1) {
            break;
        }
    }
    drop(one);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_does_not_grow_for_ever() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let pair = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    let id = pair["current"]["id"].as_str().expect("an id").to_owned();
    let kept = async |step| usage_points::list(&*server.app().db, &[&id], step, 0).await.expect("read").len();
    to_the_next_hour(&server);
    uses(&server, &token, 1).await;
    timeline(&server, 1).await;
    assert_eq!((kept(MINUTE).await, kept(HOUR).await), (1, 1));
    server.advance(SignedDuration::from_hours(49));
    timeline(&server, 1).await;
    assert_eq!((kept(MINUTE).await, kept(HOUR).await), (0, 1));
    assert_eq!(sums(&timeline(&server, 24 * 10).await, 0, "requests"), [1]);
    server.advance(SignedDuration::from_hours(90 * 24));
    timeline(&server, 1).await;
    assert_eq!((kept(MINUTE).await, kept(HOUR).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_time_that_is_kept_can_be_asked_for() {
    let server = TestServer::start().await;
    for hours in ["0", "2161", "-1", "x"] {
        let path = server.own(&format!("/workspaces/demo/tokens/usage/timeline?hours={hours}"));
        server.api.get(&path, &server.admin).await.refused(400);
    }
    let path = server.own("/workspaces/demo/tokens/usage/timeline");
    assert_eq!(server.api.get(&path, &server.admin).await.ok()["stepSeconds"], 300);
    // What a workspace leaves behind is forgotten with it.
    let other = server.own("acme");
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": other})).await.ok();
    let token = server.api.reveal(&other, Slot::Current, &server.admin).await;
    assert!(server.api.accepts(&other, &token).await);
    server.api.get(&format!("/workspaces/{other}/tokens/usage/timeline"), &server.admin).await.ok();
    let sums = async || usage_points::sums_of_each(&*server.app().db, &[&other], 0).await.expect("read");
    assert_eq!(sums().await[0].requests, 1);
    let delete = server.api.request(reqwest::Method::DELETE, &format!("/workspaces/{other}"), &server.admin);
    server.api.send(delete.json(&json!({"workspaceId": other}))).await.ok();
    assert!(sums().await.is_empty());
}
