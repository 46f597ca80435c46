//! What can be set on a topic: one table of keys, and the typed view of one topic's settings.

use std::collections::BTreeMap;

use crate::log::LogConfig;

/// The type of a setting's value and what is allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ConfigKind {
    /// A 32-bit number within bounds (both included).
    Int {
        /// Smallest value allowed.
        min: i32,
        /// Largest value allowed.
        max: i32,
    },
    /// A 64-bit number within bounds (both included).
    Long {
        /// Smallest value allowed.
        min: i64,
        /// Largest value allowed.
        max: i64,
    },
    /// A fraction from 0 to 1.
    Fraction,
    /// `true` or `false`.
    Boolean,
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// One or more of some words, separated by commas.
    ListOf(&'static [&'static str]),
}

/// One setting that topics have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfigKey {
    /// The name, as Kafka calls it.
    pub name: &'static str,
    /// The value of a topic that does not say.
    pub default: &'static str,
    /// Type and bounds.
    pub kind: ConfigKind,
    /// One sentence for people.
    pub doc: &'static str,
}

const fn key(name: &'static str, default: &'static str, kind: ConfigKind, doc: &'static str) -> ConfigKey {
    ConfigKey { name, default, kind, doc }
}

const fn long(min: i64) -> ConfigKind {
    ConfigKind::Long { min, max: i64::MAX }
}

const ANY_LAG: &str = "9223372036854775807";

/// Every setting that a topic may have, sorted by name. What is marked as having no effect is accepted because
/// Kafka's clients set it out of habit and nothing that they rely on depends on it.
pub static CONFIG_KEYS: &[ConfigKey] = &[
    key(
        "cleanup.policy",
        "delete",
        ConfigKind::ListOf(&["delete", "compact"]),
        "How old records go: delete, compact or both.",
    ),
    key(
        "compression.type",
        "producer",
        ConfigKind::OneOf(&["producer"]),
        "Batches are stored as producers compressed them.",
    ),
    key("delete.retention.ms", "86400000", long(0), "How long compaction keeps tombstones."),
    key("file.delete.delay.ms", "60000", long(0), "No effect: files are removed at once."),
    key(
        "index.interval.bytes",
        "4096",
        ConfigKind::Int { min: 0, max: i32::MAX },
        "No effect: the index has one entry for every 4 KiB.",
    ),
    key("max.compaction.lag.ms", ANY_LAG, long(1), "The longest time that a record stays out of compaction."),
    key(
        "max.message.bytes",
        "1048588",
        ConfigKind::Int { min: 0, max: 64 << 20 },
        "The largest record batch, in bytes.",
    ),
    key("message.downconversion.enable", "true", ConfigKind::Boolean, "No effect: there is one message format."),
    key(
        "message.timestamp.type",
        "CreateTime",
        ConfigKind::OneOf(&["CreateTime", "LogAppendTime"]),
        "Whose clock dates the records.",
    ),
    key(
        "min.cleanable.dirty.ratio",
        "0.5",
        ConfigKind::Fraction,
        "The share of uncompacted bytes that starts a compaction.",
    ),
    key("min.compaction.lag.ms", "0", long(0), "The shortest time that a record stays out of compaction."),
    key("min.insync.replicas", "1", ConfigKind::Int { min: 1, max: 1 }, "Always 1: the broker is one node."),
    key("preallocate", "false", ConfigKind::Boolean, "No effect: segment files grow."),
    key(
        "retention.bytes",
        "-1",
        long(-1),
        "The size of a partition from which on its oldest segments go; -1: no limit.",
    ),
    key("retention.ms", "604800000", long(-1), "The age from which on segments go; -1: never."),
    key(
        "segment.bytes",
        "134217728",
        ConfigKind::Int { min: 16 << 10, max: 1 << 30 },
        "The size from which on a new segment begins.",
    ),
    key(
        "segment.index.bytes",
        "10485760",
        ConfigKind::Int { min: 4, max: i32::MAX },
        "No effect: the index grows with its segment.",
    ),
    key("segment.jitter.ms", "0", long(0), "No effect."),
    key("segment.ms", "604800000", long(1000), "The age from which on a new segment begins."),
    key("unclean.leader.election.enable", "false", ConfigKind::Boolean, "No effect: the broker is one node."),
];

/// Settings of Kafka that would change what a client may rely on and are not there.
static REFUSED: &[(&str, &str)] = &[
    ("flush.messages", "this broker cannot flush after a number of messages"),
    ("flush.ms", "this broker cannot flush after a time"),
    ("message.timestamp.after.max.ms", "this broker does not bound the timestamps of records"),
    ("message.timestamp.before.max.ms", "this broker does not bound the timestamps of records"),
    ("message.timestamp.difference.max.ms", "this broker does not bound the timestamps of records"),
    ("remote.storage.enable", "this broker has no remote storage"),
];

/// One change of a topic's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigChange {
    /// Sets a key to a value.
    Set(String, String),
    /// Takes a key back to its default.
    Reset(String),
}

/// The settings of one topic: what was set, over the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicConfig {
    overrides: BTreeMap<String, String>,
}

impl TopicConfig {
    /// Checks every key and value. The error is a sentence for the one who asked.
    pub fn new(overrides: BTreeMap<String, String>) -> Result<Self, String> {
        for (name, value) in &overrides {
            check(find(name)?, value)?;
        }
        Ok(Self { overrides })
    }

    /// These settings with some changed.
    pub fn with(&self, changes: &[ConfigChange]) -> Result<Self, String> {
        let mut overrides = self.overrides.clone();
        for change in changes {
            match change {
                ConfigChange::Set(name, value) => overrides.insert(name.clone(), value.clone()),
                ConfigChange::Reset(name) => overrides.remove(find(name)?.name),
            };
        }
        Self::new(overrides)
    }

    /// What differs from the defaults because someone set it.
    pub fn overrides(&self) -> &BTreeMap<String, String> {
        &self.overrides
    }

    /// Every key with its value and whether it is the default, sorted by name.
    pub fn entries(&self) -> impl Iterator<Item = (&'static ConfigKey, &str, bool)> {
        CONFIG_KEYS.iter().map(|key| match self.overrides.get(key.name) {
            Some(value) => (key, value.as_str(), false),
            None => (key, key.default, true),
        })
    }

    /// The value of a key of the table.
    fn value(&self, name: &str) -> &str {
        match self.overrides.get(name) {
            Some(value) => value,
            None => CONFIG_KEYS.iter().find(|key| key.name == name).map_or("", |key| key.default),
        }
    }

    /// A number of the table; values were checked before they came here.
    fn number(&self, name: &str) -> i64 {
        self.value(name).trim().parse().unwrap_or(-1)
    }

    /// `retention.ms`; -1: for ever.
    pub fn retention_ms(&self) -> i64 {
        self.number("retention.ms")
    }

    /// `retention.bytes` of one partition; -1: no limit.
    pub fn retention_bytes(&self) -> i64 {
        self.number("retention.bytes")
    }

    /// `cleanup.policy` as it was set.
    pub fn cleanup_policy(&self) -> &str {
        self.value("cleanup.policy")
    }

    /// `max.message.bytes`.
    pub fn max_message_bytes(&self) -> usize {
        usize::try_from(self.number("max.message.bytes")).unwrap_or(0)
    }

    fn policy_includes(&self, word: &str) -> bool {
        self.cleanup_policy().split(',').any(|part| part.trim() == word)
    }

    /// What the log of each partition needs to know.
    pub(crate) fn log_config(&self) -> LogConfig {
        LogConfig {
            max_message_bytes: self.max_message_bytes(),
            segment_bytes: self.number("segment.bytes").unsigned_abs(),
            segment_ms: self.number("segment.ms"),
            retention_ms: self.retention_ms(),
            retention_bytes: self.retention_bytes(),
            delete: self.policy_includes("delete"),
            compact: self.policy_includes("compact"),
            log_append_time: self.value("message.timestamp.type") == "LogAppendTime",
        }
    }
}

fn find(name: &str) -> Result<&'static ConfigKey, String> {
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Err(format!("{name} cannot be set: {why}."));
    }
    // A name that a client made up may be long; the sentence is not.
    CONFIG_KEYS
        .iter()
        .find(|key| key.name == name)
        .ok_or_else(|| format!("Unknown topic config name: {}", name.chars().take(100).collect::<String>()))
}

fn check(key: &ConfigKey, value: &str) -> Result<(), String> {
    let text = value.trim();
    let allowed = match key.kind {
        ConfigKind::Int { min, max } => match text.parse::<i32>() {
            Ok(number) if (min..=max).contains(&number) => return Ok(()),
            _ => format!("a whole number from {min} to {max}"),
        },
        ConfigKind::Long { min, max } => match text.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => return Ok(()),
            _ => format!("a whole number from {min} on"),
        },
        ConfigKind::Fraction => match text.parse::<f64>() {
            Ok(number) if (0.0..=1.0).contains(&number) => return Ok(()),
            _ => "a number from 0 to 1".to_owned(),
        },
        ConfigKind::Boolean if text == "true" || text == "false" => return Ok(()),
        ConfigKind::Boolean => "true or false".to_owned(),
        ConfigKind::OneOf(words) if words.contains(&text) => return Ok(()),
        ConfigKind::OneOf(words) => words.join(" or "),
        ConfigKind::ListOf(words) if text.split(',').all(|part| words.contains(&part.trim())) => {
            return Ok(());
        }
        ConfigKind::ListOf(words) => format!("one or more of {}", words.join(", ")),
    };
    let shown: String = value.chars().take(60).collect();
    Err(format!("Invalid value {shown:?} for {}: it must be {allowed}.", key.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<TopicConfig, String> {
        TopicConfig::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn every_default_is_allowed_and_the_table_is_sorted() {
        for key in CONFIG_KEYS {
            assert_eq!(check(key, key.default), Ok(()), "{}", key.name);
        }
        assert!(CONFIG_KEYS.is_sorted_by_key(|key| key.name));
    }

    #[test]
    fn values_are_typed() {
        let topic = config(&[("retention.ms", "1000"), ("cleanup.policy", "compact, delete")]).unwrap();
        assert_eq!(topic.retention_ms(), 1000);
        assert_eq!(topic.retention_bytes(), -1);
        let log = topic.log_config();
        assert!(log.delete && log.compact);
        assert_eq!(log.max_message_bytes, 1_048_588);
    }

    #[test]
    fn bad_values_and_unknown_keys_get_a_sentence() {
        for (name, value) in [
            ("retention.ms", "soon"),
            ("retention.ms", "-2"),
            ("cleanup.policy", ""),
            ("cleanup.policy", "shred"),
            ("compression.type", "gzip"),
            ("min.insync.replicas", "2"),
            ("min.cleanable.dirty.ratio", "NaN"),
            ("flush.messages", "1"),
            ("colour", "blue"),
        ] {
            let sentence = config(&[(name, value)]).unwrap_err();
            assert!(sentence.contains(name), "{sentence}");
        }
    }

    #[test]
    fn changes_set_and_reset() {
        let topic = config(&[("retention.ms", "5000")]).unwrap();
        let changed = topic
            .with(&[ConfigChange::Reset("retention.ms".into()), ConfigChange::Set("segment.ms".into(), "2000".into())]);
        let changed = changed.unwrap();
        assert_eq!(changed.retention_ms(), 604_800_000);
        assert_eq!(changed.overrides().len(), 1);
        assert!(topic.with(&[ConfigChange::Reset("colour".into())]).is_err());
    }
}
