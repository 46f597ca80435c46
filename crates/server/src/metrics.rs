//! Counters for `/metrics`, in Prometheus' text format. Labels are few and fixed: no ids, no addresses, no tokens.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// How an authentication ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// `sdk`, `pat`, `session`, `password`, `none`.
    pub kind: &'static str,
    /// `accepted`, `malformed`, `unknown`, `rotated_out`, `wrong_password`.
    pub outcome: &'static str,
}

/// All metrics of one server.
pub struct Metrics {
    registry: Registry,
    authentications: Family<Outcome, Counter>,
    /// Rotations that took effect.
    pub rotations: Counter,
    /// While the master key is being changed: valid tokens that are not under it yet.
    pub tokens_under_other_keys: Gauge,
    /// Broker connections closed by rotations.
    pub connections_cut_off: Counter,
    tokens: Gauge,
    broker_connections: Gauge,
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
        let tokens_under_other_keys = Gauge::default();
        let help = "Valid SDK tokens that are not under the master key yet, while it is being changed";
        registry.register("sdk_tokens_under_other_keys", help, tokens_under_other_keys.clone());
        registry.register("sdk_tokens", "Valid SDK tokens", tokens.clone());
        registry.register("broker_connections", "Authenticated broker connections", broker_connections.clone());
        Self {
            registry,
            authentications,
            rotations,
            tokens_under_other_keys,
            connections_cut_off,
            tokens,
            broker_connections,
        }
    }
}

impl Metrics {
    /// Counts an authentication.
    pub fn authenticated(&self, kind: &'static str, outcome: &'static str) {
        self.authentications.get_or_create(&Outcome { kind, outcome }).inc();
    }

    /// Everything as text.
    pub fn render(&self, tokens: usize, broker_connections: usize) -> String {
        self.tokens.set(tokens as i64);
        self.broker_connections.set(broker_connections as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String does not fail");
        text
    }
}
