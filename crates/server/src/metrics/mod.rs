//! Counters for `/metrics`, in Prometheus' text format. Labels are few and fixed: no ids, no addresses, no tokens.

pub mod requests;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use twinkey_api::usage::Via;

use self::requests::Requests;
use crate::routes;

/// How an authentication ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// `sdk`, `pat`, `session`, `password`, `none`.
    pub kind: &'static str,
    /// `accepted`, `malformed`, `unknown`, `rotated_out`, `workspace_deleted`, `wrong_password`, `limited`.
    pub outcome: &'static str,
}

/// How a token was used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Use {
    /// `api` or `broker`.
    pub via: &'static str,
}

/// What a reconciliation has mended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Repair {
    /// `granted`, `surplus_removed`, `cut_off`, `quota_lifted`, `workspace_created`, `token_abandoned`.
    pub kind: &'static str,
}

/// How an attempt to deliver a webhook ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DeliveryOutcome {
    /// `delivered`, `failed`, `refused_address`, `given_up`.
    pub outcome: &'static str,
}

/// About webhooks.
#[derive(Default)]
pub struct WebhookMetrics {
    deliveries: Family<DeliveryOutcome, Counter>,
}

impl WebhookMetrics {
    /// Counts an attempt.
    pub fn delivered(&self, outcome: &'static str) {
        self.deliveries.get_or_create(&DeliveryOutcome { outcome }).inc();
    }
}

/// About the audit log.
#[derive(Default)]
pub struct AuditMetrics {
    /// Checkpoints that this server has signed.
    pub checkpoints: Counter,
    /// 1 once this server has found that the log is not the one that was signed.
    pub broken: Gauge,
}

/// All metrics of one server.
pub struct Metrics {
    registry: Registry,
    authentications: Family<Outcome, Counter>,
    /// Rotations that took effect.
    pub rotations: Counter,
    /// While the master key is being changed: valid tokens that are not under it yet.
    pub tokens_under_other_keys: Gauge,
    token_uses: Family<Use, Counter>,
    dead_token_uses: Family<Use, Counter>,
    /// Alarms about dead tokens that somebody used.
    pub dead_token_alarms: Counter,
    /// How often a client of a token was not told apart from others, or no longer.
    pub clients_merged: Counter,
    /// Broker connections closed by rotations.
    pub connections_cut_off: Counter,
    /// From the deactivation of a token to the proof that no broker serves it.
    pub cut_off_seconds: Histogram,
    /// Differences between the database and the broker that were mended.
    pub repairs: Family<Repair, Counter>,
    /// Names on the broker that have no rights any more.
    pub names_without_rights: Gauge,
    /// Pages that are kept up to date by a stream of events.
    pub open_streams: Gauge,
    /// Requests by route.
    pub requests: Requests,
    /// About webhooks.
    pub webhooks: WebhookMetrics,
    /// About the audit log.
    pub audit: AuditMetrics,
    tokens: Gauge,
    broker_connections: Gauge,
    open_cut_offs: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("twinkey");
        let authentications = Family::<Outcome, Counter>::default();
        let (rotations, connections_cut_off) = (Counter::default(), Counter::default());
        let (tokens, broker_connections) = (Gauge::default(), Gauge::default());
        registry.register("authentications", "Authentications on the HTTP API by outcome", authentications.clone());
        registry.register("rotations", "Rotations that took effect", rotations.clone());
        registry.register("connections_cut_off", "Broker connections closed by rotations", connections_cut_off.clone());
        let (token_uses, dead_token_uses) = (Family::<Use, Counter>::default(), Family::<Use, Counter>::default());
        let (dead_token_alarms, clients_merged) = (Counter::default(), Counter::default());
        registry.register("token_uses", "Requests with valid SDK tokens; up to a few seconds old", token_uses.clone());
        let help = "Refused uses of deactivated SDK tokens; up to a few seconds old";
        registry.register("dead_token_uses", help, dead_token_uses.clone());
        let help = "Alarms about deactivated SDK tokens that somebody used";
        registry.register("dead_token_alarms", help, dead_token_alarms.clone());
        let help = "How often a client of an SDK token was not told apart from others, because there were too many";
        registry.register("token_clients_merged", help, clients_merged.clone());
        let tokens_under_other_keys = Gauge::default();
        let help = "Valid SDK tokens that are not under the master key yet, while it is being changed";
        registry.register("sdk_tokens_under_other_keys", help, tokens_under_other_keys.clone());
        registry.register("sdk_tokens", "Valid SDK tokens", tokens.clone());
        registry.register("broker_connections", "Authenticated broker connections", broker_connections.clone());
        // From 10 ms, a good one, to 20 minutes: a paused broker.
        let cut_off_seconds = Histogram::new(exponential_buckets(0.01, 2.0, 18));
        let repairs = Family::<Repair, Counter>::default();
        let (open_cut_offs, names_without_rights) = (Gauge::default(), Gauge::default());
        let help = "From the deactivation of a token to the proof that no broker serves it";
        registry.register("cut_off_seconds", help, cut_off_seconds.clone());
        registry.register(
            "repairs",
            "Differences between the database and the broker that were mended",
            repairs.clone(),
        );
        let help = "Deactivated tokens that a broker may still serve, followed by this server";
        registry.register("open_cut_offs", help, open_cut_offs.clone());
        let help = "Names on the broker without rights; see twinkey broker prune";
        registry.register("broker_names_without_rights", help, names_without_rights.clone());
        let open_streams = Gauge::default();
        registry.register("open_streams", "Open streams of server-sent events", open_streams.clone());
        let requests = Requests::register(&mut registry, routes::templates());
        let (webhooks, audit) = (WebhookMetrics::default(), AuditMetrics::default());
        let help = "Attempts to deliver webhooks by outcome";
        registry.register("webhook_deliveries", help, webhooks.deliveries.clone());
        registry.register("audit_checkpoints", "Signed checkpoints of the audit log", audit.checkpoints.clone());
        let help = "Whether the audit log was found not to be the one that was signed; run twinkey audit verify";
        registry.register("audit_broken", help, audit.broken.clone());
        Self {
            registry,
            authentications,
            rotations,
            tokens_under_other_keys,
            token_uses,
            dead_token_uses,
            dead_token_alarms,
            clients_merged,
            connections_cut_off,
            cut_off_seconds,
            repairs,
            names_without_rights,
            open_streams,
            requests,
            webhooks,
            audit,
            tokens,
            broker_connections,
            open_cut_offs,
        }
    }
}

impl Metrics {
    /// Counts an authentication.
    pub fn authenticated(&self, kind: &'static str, outcome: &'static str) {
        self.authentications.get_or_create(&Outcome { kind, outcome }).inc();
    }

    /// Counts uses of tokens, answered and refused.
    pub fn token_uses(&self, via: Via, requests: u64, refused: u64) {
        let via = Use { via: via.name() };
        for (family, count) in [(&self.token_uses, requests), (&self.dead_token_uses, refused)] {
            if count > 0 {
                family.get_or_create(&via).inc_by(count);
            }
        }
    }

    /// Everything as text.
    pub fn render(&self, tokens: usize, broker_connections: usize, open_cut_offs: usize) -> String {
        self.open_cut_offs.set(open_cut_offs as i64);
        self.tokens.set(tokens as i64);
        self.broker_connections.set(broker_connections as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String does not fail");
        text
    }
}
