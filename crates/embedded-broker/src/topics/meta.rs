//! A topic on disk: `topics/<uuid>/meta.json`, beside one directory for each partition that has data.

use std::{collections::BTreeMap, fs, io, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::log::replace_file;

pub(super) const FILE: &str = "meta.json";

/// What is written down of a topic. Its directory's name is its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) partitions: i32,
    pub(super) config: BTreeMap<String, String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl Meta {
    /// Replaces the file in one step: a crash leaves the old or the new one.
    pub(super) fn write(&self, topic_dir: &Path) -> io::Result<()> {
        replace_file(&topic_dir.join(FILE), &serde_json::to_vec_pretty(self)?)
    }

    /// `None`: there is no such file, that is, the topic was never wholly created or is already deleted.
    pub(super) fn read(topic_dir: &Path) -> io::Result<Option<Self>> {
        match fs::read(topic_dir.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
