//! Settings of the brokers on which promises depend.

use std::{collections::HashMap, time::Duration};

use super::Report;
use crate::{Cluster, cluster::Description};

const KEYS: [&str; 10] = [
    "auto.create.topics.enable",
    "allow.everyone.if.no.acl.found",
    "connections.max.idle.ms",
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "security.inter.broker.protocol",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "sasl.mechanism.inter.broker.protocol",
];

pub(super) async fn check(cluster: &Cluster, description: &Description, report: &mut Report) {
    for broker in description.brokers.iter().filter(|broker| !broker.fenced) {
        match cluster.broker_settings(broker, &KEYS).await {
            Ok(settings) => judge(broker.id, description.brokers.len(), &settings, report),
            Err(error) => report.warning("settings", format!("broker {}: {error}", broker.id)),
        }
    }
}

fn judge(id: i32, brokers: usize, settings: &HashMap<String, String>, report: &mut Report) {
    let get = |key: &str| settings.get(key).map_or("", String::as_str);
    let number = |key: &str| get(key).parse::<u64>().ok();
    match get("allow.everyone.if.no.acl.found") {
        "true" => report.problem(
            "default of rights",
            format!("broker {id} lets everybody do everything where no right is set: set allow.everyone.if.no.acl.found=false"),
        ),
        "false" => report.ok("default of rights", format!("broker {id} refuses what no right allows")),
        // StandardAuthorizer's settings are not among those that a broker tells.
        _ => report.warning(
            "default of rights",
            format!(
                "broker {id} does not tell allow.everyone.if.no.acl.found: make sure that its file does not set it to true, or every token may \
                 do everything where no right is set (Kafka's default is false)"
            ),
        ),
    }
    if get("auto.create.topics.enable") == "true" {
        report.warning(
            "topics",
            format!("broker {id} makes topics when a client mentions them, within a token's scope too: a misspelt name becomes a topic. \
                     Consider auto.create.topics.enable=false"),
        );
    }
    if let Some(idle) = number("connections.max.idle.ms").map(Duration::from_millis) {
        let sentence = format!(
            "broker {id} closes idle connections after {} s (connections.max.idle.ms): so long a fetch that was under way at a cut-off may wait, \
             to come back empty",
            idle.as_secs()
        );
        if idle > Duration::from_hours(1) {
            report.warning("idle connections", sentence);
        } else {
            report.ok("idle connections", sentence);
        }
    }
    let single: Vec<_> =
        ["default.replication.factor", "offsets.topic.replication.factor", "transaction.state.log.replication.factor"]
            .into_iter()
            .filter(|key| number(key) == Some(1))
            .collect();
    if brokers == 1 {
        report.warning(
            "copies",
            "the cluster has one broker: there is one copy of everything, and no service while it restarts",
        );
    } else if !single.is_empty() {
        report.warning("copies", format!("broker {id} keeps one copy only: raise {}", single.join(", ")));
    }
    let mechanism = get("sasl.mechanism.inter.broker.protocol");
    if mechanism.starts_with("SCRAM") && between_brokers(get).starts_with("SASL") {
        report.warning(
            "between brokers",
            format!(
                "brokers sign in to each other by {mechanism}, which tokens use too: see the note on Twinkey's own account. PLAIN or \
                 certificates between brokers are not touched by that"
            ),
        );
    }
}

/// By which protocol brokers speak to each other.
fn between_brokers<'a>(get: impl Fn(&str) -> &'a str) -> &'a str {
    let listener = get("inter.broker.listener.name");
    if listener.is_empty() {
        return get("security.inter.broker.protocol");
    }
    let pairs = get("listener.security.protocol.map").split(',').filter_map(|pair| pair.trim().split_once(':'));
    pairs.filter(|(name, _)| *name == listener).map(|(_, protocol)| protocol).next().unwrap_or_default()
}
