//! Messages for people who look at them, a page and live; on both brokers.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};
use twinkey_api::{Role, token_pair::Slot};
use twinkey_testbed::compression::Codec;
use twinkey_testkit::{Stream, TestServer, leaks::CONTENT, records::Sent};

/// A time that retention does not take for old.
fn now(server: &TestServer) -> i64 {
    server.app().now().as_millisecond()
}

async fn topic(server: &TestServer, partitions: i32) -> Stream {
    let body = json!({"name": "orders", "configuration": {"partitions": partitions}});
    server.api.post(&server.own("/demo/topics"), &server.admin, &body).await.ok();
    server.stream(&server.token(Slot::Current).await).await
}

async fn page(server: &TestServer, query: &str) -> Value {
    let path = format!("/workspaces/demo/topics/orders/messages?{query}");
    server.api.get(&server.own(&path), &server.admin).await.ok()
}

fn list<'a>(page: &'a Value, part: &str) -> &'a Vec<Value> {
    page[part].as_array().unwrap_or_else(|| panic!("no {part}: {page:#}"))
}

fn offsets(page: &Value) -> Vec<i64> {
    list(page, "messages").iter().map(|it| it["offset"].as_i64().expect("a number")).collect()
}

fn texts(page: &Value) -> Vec<&str> {
    list(page, "messages").iter().map(|it| it["value"]["text"].as_str().expect("a text")).collect()
}

/// The cursor that leads behind a page.
fn behind(page: &Value) -> String {
    let next: BTreeMap<i32, i64> = serde_json::from_value(page["next"].clone()).expect("offsets");
    next.iter().map(|(partition, offset)| format!("{partition}:{offset}")).collect::<Vec<_>>().join(",")
}

async fn send(stream: &mut Stream, server: &TestServer, partition: i32, values: &[(&str, i64)]) {
    let records: Vec<_> = values.iter().map(|(value, time)| Sent::value(*value, *time)).collect();
    stream.produce_batch(&server.topic("orders"), partition, &records, Codec::None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_shown_as_they_are_whatever_compressed_them() {
    let server = TestServer::start().await;
    let mut stream = topic(&server, 1).await;
    let time = now(&server);
    for codec in Codec::ALL {
        let full = Sent {
            key: Some(b"key".to_vec()),
            value: Some(CONTENT.into()),
            headers: vec![("trace", Some(vec![0xff, 0])), ("empty", None)],
            timestamp: time,
        };
        let bytes = Sent { key: None, value: Some(vec![0, 0xff, 0xfe]), ..full.clone() };
        let tombstone = Sent { value: None, headers: Vec::new(), ..full.clone() };
        stream.produce_batch(&server.topic("orders"), 0, &[full, bytes, tombstone], codec).await;
    }
    let all = page(&server, "from=beginning&limit=500").await;
    assert_eq!((offsets(&all), &all["end"], &all["notes"]), ((0..18).collect(), &json!(true), &json!([])), "{all:#}");
    assert_eq!(all["next"], json!({"0": 18}));
    let at = jiff::Timestamp::from_millisecond(time).expect("in range").to_string();
    for messages in list(&all, "messages").chunks(3) {
        let [full, bytes, tombstone] = messages else { panic!("three for each codec") };
        let headers = json!([{"name": "trace", "value": {"base64": STANDARD.encode([0xff, 0])}}, {"name": "empty", "value": null}]);
        assert_eq!((&full["key"], &full["value"]), (&json!({"text": "key"}), &json!({"text": CONTENT})), "{full:#}");
        assert_eq!((&full["headers"], &full["partition"]), (&headers, &json!(0)), "{full:#}");
        assert_eq!((&full["timestamp"], &full["timestampType"]), (&json!(at), &json!("CreateTime")), "{full:#}");
        assert_eq!(full["size"], 3 + CONTENT.len() + "trace".len() + 2 + "empty".len());
        assert_eq!(
            (&bytes["key"], &bytes["value"]),
            (&Value::Null, &json!({"base64": STANDARD.encode([0, 0xff, 0xfe])}))
        );
        assert_eq!((&tombstone["value"], &tombstone["size"]), (&Value::Null, &json!(3)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_may_begin_anywhere_and_go_on() {
    let server = TestServer::start().await;
    let mut stream = topic(&server, 1).await;
    let begin = now(&server) - 60_000;
    let empty = page(&server, "").await;
    assert_eq!((list(&empty, "messages").len(), &empty["end"]), (0, &json!(true)));
    // Several batches, some compressed: a place may be inside of one.
    for batch in 0..20_i64 {
        let codec = if batch % 2 == 0 { Codec::Gzip } else { Codec::None };
        let record = |index| Sent::value(format!("{}", batch * 5 + index), begin + (batch * 5 + index) * 100);
        let records: Vec<_> = (0..5).map(record).collect();
        stream.produce_batch(&server.topic("orders"), 0, &records, codec).await;
    }
    assert_eq!(offsets(&page(&server, "from=beginning&limit=3").await), [0, 1, 2]);
    assert_eq!(offsets(&page(&server, "from=offset:42&limit=4").await), [42, 43, 44, 45]);
    assert_eq!(offsets(&page(&server, "from=-3").await), [97, 98, 99]);
    assert_eq!(offsets(&page(&server, "from=-500").await), (0..100).collect::<Vec<_>>());
    assert_eq!(offsets(&page(&server, "").await), (50..100).collect::<Vec<_>>(), "the last 50");
    assert_eq!(offsets(&page(&server, "from=-60&limit=10").await), (90..100).collect::<Vec<_>>());
    for first in [40, 43, 47] {
        let time = jiff::Timestamp::from_millisecond(begin + first * 100).expect("in range");
        let found = page(&server, &format!("from=time:{time}&limit=2")).await;
        assert_eq!(offsets(&found), [first, first + 1], "{found:#}");
        // Between two messages it is the later one.
        let time = jiff::Timestamp::from_millisecond(begin + first * 100 - 50).expect("in range");
        assert_eq!(offsets(&page(&server, &format!("from=time:{time}&limit=1")).await), [first]);
    }
    let future = page(&server, "from=time:2100-01-01T00:00:00Z").await;
    assert_eq!(
        (list(&future, "messages").len(), &future["end"], &future["next"]),
        (0, &json!(true), &json!({"0": 100}))
    );
    let end = page(&server, "from=end").await;
    assert_eq!((list(&end, "messages").len(), &end["end"], &end["next"]), (0, &json!(true), &json!({"0": 100})));

    let (mut all, mut next) = (Vec::new(), "0:0".to_owned());
    for _ in 0..20 {
        let found = page(&server, &format!("at={next}&limit=7")).await;
        all.extend(offsets(&found));
        next = behind(&found);
        if found["end"] == true {
            break;
        }
    }
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    let beyond = page(&server, "from=offset:1000").await;
    assert!(list(&beyond, "notes")[0].as_str().expect("a sentence").contains("ends at offset 100"), "{beyond:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_partitions_are_merged_by_time() {
    let server = TestServer::start().await;
    let mut stream = topic(&server, 3).await;
    let time = now(&server) - 10_000;
    let at = |offset: i64| time + offset;
    send(&mut stream, &server, 0, &[("a", at(10)), ("d", at(40)), ("g", at(70))]).await;
    // In one partition the order is that of the offsets, whatever the clocks said.
    send(&mut stream, &server, 2, &[("b", at(20)), ("e", at(50)), ("f", at(30)), ("h", at(80))]).await;
    let all = page(&server, "from=beginning").await;
    assert_eq!(texts(&all), ["a", "b", "d", "e", "f", "g", "h"]);
    assert_eq!(all["next"], json!({"0": 3, "1": 0, "2": 4}));
    // From the end "f" is as old as it says.
    assert_eq!(texts(&page(&server, "from=-3").await), ["d", "g", "h"]);
    assert_eq!(texts(&page(&server, "from=-10&partition=0").await), ["a", "d", "g"]);
    assert_eq!(texts(&page(&server, "from=offset:1").await), ["d", "e", "f", "g", "h"]);
    for size in 1..8 {
        let (mut found, mut query) = (Vec::new(), "from=beginning".to_owned());
        loop {
            let page = page(&server, &format!("{query}&limit={size}")).await;
            found.extend(texts(&page).into_iter().map(str::to_owned));
            query = format!("at={}", behind(&page));
            if page["end"] == true {
                break;
            }
            assert!(found.len() < 8, "{page:#}");
        }
        assert_eq!(found.concat(), "abdefgh", "pages of {size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_messages_are_read_page_by_page() {
    let server = TestServer::start().await;
    let mut stream = topic(&server, 4).await;
    let time = now(&server) - 60_000;
    for batch in 0..40_i64 {
        let record = |index| Sent::value(vec![b'x'; 200], time + batch * 500 + index);
        let records: Vec<_> = (0..250).map(record).collect();
        stream.produce_batch(&server.topic("orders"), (batch % 4) as i32, &records, Codec::Lz4).await;
    }
    let (mut seen, mut query) = (BTreeMap::<i64, Vec<i64>>::new(), "from=beginning".to_owned());
    loop {
        let page = page(&server, &format!("{query}&limit=500")).await;
        for message in list(&page, "messages") {
            let part = |name: &str| message[name].as_i64().expect("a number");
            seen.entry(part("partition")).or_default().push(part("offset"));
        }
        query = format!("at={}", behind(&page));
        if page["end"] == true {
            break;
        }
    }
    assert_eq!(seen, (0..4).map(|partition| (partition, (0..2500).collect())).collect());
    let last = page(&server, "from=-500").await;
    assert_eq!(list(&last, "messages").len(), 500);
    assert_eq!(last["messages"][499]["offset"], 2499, "{}", last["messages"][499]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_long_is_cut_off_and_a_page_has_a_bound() {
    let server = TestServer::start().await;
    let mut stream = topic(&server, 1).await;
    let time = now(&server);
    let value = "ü".repeat(150_000);
    for _ in 0..20 {
        stream.produce_batch(&server.topic("orders"), 0, &[Sent::value(value.clone(), time)], Codec::Gzip).await;
    }
    let found = page(&server, "from=beginning&limit=1").await;
    let shown = &found["messages"][0]["value"];
    assert_eq!((&shown["truncated"], &shown["size"]), (&json!(true), &json!(300_000)), "{shown:#}");
    assert_eq!(shown["text"].as_str().map(str::len), Some(4096));
    let odd = page(&server, "from=beginning&limit=1&maxBytes=3").await;
    assert_eq!(odd["messages"][0]["value"], json!({"text": "ü", "truncated": true, "size": 300_000}));
    let none = page(&server, "from=beginning&limit=1&maxBytes=0").await;
    assert_eq!(none["messages"][0]["value"], json!({"text": "", "truncated": true, "size": 300_000}));
    let whole = page(&server, "from=beginning&maxBytes=1048576").await;
    assert_eq!(whole["messages"][0]["value"], json!({"text": value}));
    assert!((2..10).contains(&list(&whole, "messages").len()), "{}", list(&whole, "messages").len());
    assert_eq!(whole["end"], false);
    let mut query = "from=beginning".to_owned();
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let page = page(&server, &format!("{query}&maxBytes=1048576")).await;
        seen.extend(offsets(&page));
        query = format!("at={}", behind(&page));
    }
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
    assert_eq!(offsets(&page(&server, "from=-20&maxBytes=1048576").await).last(), Some(&19));
}

/// A few kilobytes that decompress to more than a person wants to wait for.
#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_passed_over_and_told() {
    let server = TestServer::start().await;
    let mut stream = topic(&server, 1).await;
    let time = now(&server);
    send(&mut stream, &server, 0, &[("before", time)]).await;
    let bomb = Sent::value(vec![0; 70 << 20], time);
    stream.produce_batch(&server.topic("orders"), 0, &[bomb], Codec::Gzip).await;
    send(&mut stream, &server, 0, &[("after", time)]).await;
    for query in ["from=beginning", "from=-3"] {
        let found = page(&server, query).await;
        assert_eq!(texts(&found), ["before", "after"]);
        let note = list(&found, "notes")[0].as_str().expect("a sentence");
        assert!(note.contains("offset 1 was passed over, because it is too large"), "{note}");
        assert_eq!(found["next"], json!({"0": 3}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_whose_messages_were_deleted_goes_on_with_what_is_left() {
    let server = TestServer::start().await;
    let mut stream = topic(&server, 1).await;
    let time = now(&server);
    send(&mut stream, &server, 0, &[("a", time), ("b", time)]).await;
    let cleaned = server.api.post(&server.own("/demo/topics/orders/clean"), &server.admin, &json!({})).await;
    assert_eq!(cleaned.status, 204);
    send(&mut stream, &server, 0, &[("c", time)]).await;
    for query in ["at=0:0", "from=offset:1"] {
        let found = page(&server, query).await;
        assert_eq!(texts(&found), ["c"]);
        let note = list(&found, "notes")[0].as_str().expect("a sentence");
        assert!(note.contains("begins at offset 2"), "{note}");
    }
    for query in ["from=beginning", "from=-5"] {
        let found = page(&server, query).await;
        assert_eq!((texts(&found), &found["notes"]), (vec!["c"], &json!([])));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_and_what_cannot_be_read_is_refused() {
    let server = TestServer::start().await;
    topic(&server, 1).await;
    let path = |name: &str, rest: &str| server.own(&format!("/workspaces/demo/topics/{name}/messages{rest}"));
    for rest in ["", "/live"] {
        let message = server.api.get(&path("nothing", rest), &server.admin).await.refused(404);
        assert!(message.contains("Topic 'nothing'"), "{message}");
        let message = server.api.get(&path("orders", &format!("{rest}?partition=7")), &server.admin).await.refused(404);
        assert!(message.contains("Partition 7"), "{message}");
        let token = server.token(Slot::Current).await;
        let message = server.api.get(&path("orders", rest), &token).await.refused(403);
        assert!(message.contains("SDK token"), "{message}");
        let wrong = ["at=x", "maxBytes=1048577", "maxBytes=-1", "partition=x"];
        for query in wrong {
            server.api.get(&path("orders", &format!("{rest}?{query}")), &server.admin).await.refused(400);
        }
    }
    for query in ["limit=0", "limit=501", "from=yesterday", "from=-501", "from=end&at=0:1"] {
        server.api.get(&path("orders", &format!("?{query}")), &server.admin).await.refused(400);
    }
    let other = server.own("acme");
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": other})).await.ok();
    let stranger = server.user("stranger@example.org", Role::None, Some((&other, Role::Admin))).await;
    for rest in ["", "/live"] {
        server.api.get(&path("orders", rest), &stranger).await.refused(404);
        // Neither by the name of the other workspace nor by one's own.
        let foreign = format!("/workspaces/{other}/topics/{}/messages{rest}", server.topic("orders"));
        server.api.get(&foreign, &stranger).await.refused(404);
    }
    let viewer = server.user("viewer@example.org", Role::Viewer, None).await;
    server.api.get(&path("orders", ""), &viewer).await.ok();
}

const LIVE: &str = "/workspaces/demo/topics/orders/messages/live";

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_live_and_a_reader_that_comes_back_misses_nothing() {
    let server = TestServer::start().await;
    let mut stream = topic(&server, 2).await;
    let time = now(&server);
    send(&mut stream, &server, 0, &[("old", time)]).await;
    let mut live = server.api.events(&server.own(LIVE), &server.admin).await;
    let hello = live.next().await.expect("where to go on");
    assert_eq!(
        (&*hello.name, hello.id.as_deref(), list(&hello.data, "messages").len()),
        ("messages", Some("0:1,1:0"), 0)
    );
    send(&mut stream, &server, 0, &[(CONTENT, time)]).await;
    let event = live.until(|event| !list(&event.data, "messages").is_empty()).await;
    assert_eq!((texts(&event.data), event.id.as_deref()), (vec![CONTENT], Some("0:2,1:0")));
    assert!(server.api.get("/metrics", "").await.text.contains("twinkey_open_streams 1"));
    drop(live);

    send(&mut stream, &server, 1, &[("meanwhile", time)]).await;
    let request = server.api.request(Method::GET, &server.own(LIVE), &server.admin);
    let request = request.header("last-event-id", event.id.expect("an id"));
    let mut live = server.api.events_of(request).await;
    let event = live.until(|event| !list(&event.data, "messages").is_empty()).await;
    assert_eq!((texts(&event.data), event.id.as_deref()), (vec!["meanwhile"], Some("0:2,1:1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_follow_gets_the_newest_and_the_number_of_the_others() {
    let server = TestServer::start().await;
    let mut stream = topic(&server, 1).await;
    let mut live = server.api.events(&server.own(LIVE), &server.admin).await;
    let time = now(&server);
    for batch in 0..8 {
        let records: Vec<_> = (0..1000).map(|it| Sent::value(format!("{}", batch * 1000 + it), time)).collect();
        stream.produce_batch(&server.topic("orders"), 0, &records, Codec::Gzip).await;
    }
    let (mut shown, mut skipped) = (Vec::new(), 0);
    while shown.len() as u64 + skipped < 8000 {
        let event = live.next().await.expect("goes on");
        assert!(list(&event.data, "messages").len() <= 200, "{}", list(&event.data, "messages").len());
        shown.extend(texts(&event.data).into_iter().map(|it| it.parse::<i64>().expect("a number")));
        skipped += event.data["skipped"].as_u64().expect("a number");
    }
    assert_eq!(shown.len() as u64 + skipped, 8000);
    assert!(shown.is_sorted() && shown.last() == Some(&7999), "{shown:?}");
    assert!(skipped > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_ends_with_its_topic_its_right_and_its_server() {
    let server = TestServer::start().await;
    topic(&server, 1).await;
    let mut deleted = server.api.events(&server.own(LIVE), &server.admin).await;
    server.api.send(server.api.request(Method::DELETE, &server.own("/demo/topics/orders"), &server.admin)).await;
    let end = deleted.until(|event| event.name == "end").await.data;
    assert_eq!((&end["reason"], &end["again"]), (&json!("gone"), &json!(false)), "{end:#}");
    assert!(end["message"].as_str().expect("a sentence").contains("topic was deleted"), "{end:#}");
    assert_eq!(deleted.next().await, None);

    topic(&server, 1).await;
    let viewer = server.user("viewer@example.org", Role::Viewer, None).await;
    let mut refused = server.api.events(&server.own(LIVE), &viewer).await;
    let members = server.api.get("/organisations/current/members", &server.admin).await.ok();
    let member = members.as_array().expect("a list").iter().find(|it| it["email"] == "viewer@example.org");
    let id = member.expect("a member")["userId"].as_str().expect("an id");
    let path = format!("/organisations/current/members/{id}");
    let removed = server.api.send(server.api.request(Method::DELETE, &path, &server.admin)).await;
    assert!(removed.status.is_success(), "{}", removed.text);
    let end = refused.until(|event| event.name == "end").await.data;
    assert_eq!((&end["reason"], &end["again"]), (&json!("rightEnded"), &json!(false)), "{end:#}");

    let mut open = server.api.events(&server.own(LIVE), &server.admin).await;
    open.expect("messages").await;
    let (end, ()) = tokio::join!(open.until(|event| event.name == "end"), server.stop());
    assert_eq!((&end.data["reason"], &end.data["again"]), (&json!("stopping"), &json!(true)), "{end:?}");
}
