//! Events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EventData {
    /// Nanoseconds since 1970.
    pub timestamp: i64,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// What happened.
    pub id: String,
    /// With which value.
    pub value: String,
}

impl EventData {
    /// An event at this time, in nanoseconds since 1970.
    pub fn new(timestamp: i64, id: impl Into<String>, value: impl Into<String>) -> Self {
        Self { timestamp, id: id.into(), value: value.into(), tags: BTreeMap::new() }
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }
}
