//! What only a real cluster of Apache Kafka shows. One node, shared by all of these tests; three nodes where a broker has to be
//! ill: one test after the other there, because each brings a node down.

mod away;
mod cut_off;
mod drift;
mod installations;
mod interrupted;
mod transactional_ids;
mod usage;

use std::{future::Future, time::Duration};

use twinkey_kafka_admin::{Cluster, inventory::Found};
use twinkey_testbed::kafka::Kafka;
use twinkey_testkit::TestServer;

/// The node that tests share.
async fn shared() -> &'static Kafka {
    tokio::task::spawn_blocking(Kafka::shared).await.expect("a cluster starts")
}

/// Held by tests that start a cluster of their own, so that they come one after the other: machines are small.
static OWN_CLUSTER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A server on the shared node.
async fn server() -> TestServer {
    TestServer::start_on_kafka(shared().await, |_| {}).await
}

/// The cluster as an administrator reaches it beside Twinkey.
fn behind_the_back(server: &TestServer) -> Cluster {
    Cluster::new(server.kafka().expect("a cluster").administration().expect("usable"))
}

/// What the cluster knows of a name.
async fn found(server: &TestServer, name: &str) -> Found {
    let prefix = &server.kafka().expect("a cluster").principal_prefix;
    let mut inventory = behind_the_back(server).inventory(prefix).await.expect("an inventory");
    inventory.users.remove(name).unwrap_or_default()
}

/// The principals of Token 1 and Token 2.
async fn principals(server: &TestServer) -> [String; 2] {
    let pair = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    ["current", "next"].map(|slot| pair[slot]["principal"].as_str().expect("a name").to_owned())
}

/// Asks until it is so, for a minute at most.
async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let asking = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_mins(1), asking).await.is_ok(), "not within a minute: {what}");
}
