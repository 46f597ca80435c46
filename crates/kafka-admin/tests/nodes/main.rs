//! Against a real Apache Kafka of three nodes, some of which are paused or killed.
//!
//! One cluster for all: the tests take turns, because each of them may stop a node.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod away;
mod cut_off;
#[path = "../support/mod.rs"]
mod support;
mod traffic;

use std::sync::OnceLock;

use tokio::sync::{Mutex, MutexGuard};
use twinkey_testbed::kafka::Kafka;

/// The cluster, for one test at a time. A failed test may leave a node behind that is paused or dead.
async fn turn() -> MutexGuard<'static, Kafka> {
    static CLUSTER: OnceLock<Mutex<Kafka>> = OnceLock::new();
    CLUSTER.get_or_init(|| Mutex::new(Kafka::three())).lock().await
}
