//! One topic: its name and id, its settings, its partitions.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Storage, TopicConfig, locked, meta::Meta};
use crate::log::{LogConfig, Partition};

/// One topic of the broker.
pub struct Topic {
    /// The name on the broker: `{workspaceId}-{name}`.
    pub name: String,
    /// The id, which a topic that is deleted and created again does not share.
    pub id: Uuid,
    /// When it was created.
    pub created_at: Timestamp,
    pub(super) dir: PathBuf,
    state: RwLock<State>,
}

struct State {
    config: Arc<TopicConfig>,
    partitions: Arc<[Arc<Partition>]>,
    updated_at: Timestamp,
}

impl Topic {
    /// Opens the partitions of a topic that `meta` describes; what is not there yet is empty.
    pub(super) fn open(dir: PathBuf, id: Uuid, meta: Meta, storage: &Storage) -> io::Result<Self> {
        let config = TopicConfig::new(meta.config).map_err(io::Error::other)?;
        let log_config = Arc::new(config.log_config());
        let partitions = open_partitions(&dir, 0..meta.partitions, &log_config, storage)?.into();
        let state = State { config: Arc::new(config), partitions, updated_at: meta.updated_at };
        Ok(Self { name: meta.name, id, created_at: meta.created_at, dir, state: RwLock::new(state) })
    }

    /// The settings as they are now.
    pub fn config(&self) -> Arc<TopicConfig> {
        Arc::clone(&locked(self.state.read()).config)
    }

    /// Every partition, by its index.
    pub fn partitions(&self) -> Arc<[Arc<Partition>]> {
        Arc::clone(&locked(self.state.read()).partitions)
    }

    /// The partition with this index.
    pub fn partition(&self, index: i32) -> Option<Arc<Partition>> {
        let index = usize::try_from(index).ok()?;
        locked(self.state.read()).partitions.get(index).cloned()
    }

    /// When partitions or settings were changed last.
    pub fn updated_at(&self) -> Timestamp {
        locked(self.state.read()).updated_at
    }

    fn meta(&self, partitions: i32, config: &TopicConfig, updated_at: Timestamp) -> Meta {
        Meta {
            name: self.name.clone(),
            partitions,
            config: config.overrides().clone(),
            created_at: self.created_at,
            updated_at,
        }
    }

    fn partition_count(&self) -> i32 {
        i32::try_from(self.partitions().len()).unwrap_or(i32::MAX)
    }

    /// Writes down and applies other settings.
    pub(super) fn set_config(&self, config: TopicConfig, now: Timestamp) -> io::Result<()> {
        self.meta(self.partition_count(), &config, now).write(&self.dir)?;
        let log_config = Arc::new(config.log_config());
        let mut state = locked(self.state.write());
        for partition in state.partitions.iter() {
            partition.configure(Arc::clone(&log_config));
        }
        state.config = Arc::new(config);
        state.updated_at = now;
        Ok(())
    }

    /// Grows to `total` partitions.
    pub(super) fn grow(&self, total: i32, now: Timestamp, storage: &Storage) -> io::Result<()> {
        let config = self.config();
        let log_config = Arc::new(config.log_config());
        let added = open_partitions(&self.dir, self.partition_count()..total, &log_config, storage)?;
        self.meta(total, &config, now).write(&self.dir)?;
        let mut state = locked(self.state.write());
        state.partitions = state.partitions.iter().cloned().chain(added).collect();
        state.updated_at = now;
        Ok(())
    }

    /// Makes the topic gone, on disk first. Requests that still hold it get errors from its partitions.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(self.dir.join(super::meta::FILE))?;
        for partition in self.partitions().iter() {
            partition.retire();
        }
        // The removal of meta.json was the deletion; what cannot be cleared away now goes at the next start.
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            tracing::warn!(topic = %self.name, %error, "the files of a deleted topic are still there");
        }
        Ok(())
    }
}

fn open_partitions(
    dir: &Path,
    indexes: std::ops::Range<i32>,
    config: &Arc<LogConfig>,
    storage: &Storage,
) -> io::Result<Vec<Arc<Partition>>> {
    indexes
        .map(|index| {
            let dir = dir.join(index.to_string());
            let partition =
                Partition::open(dir, Arc::clone(config), Arc::clone(&storage.files), Arc::clone(&storage.clock))?;
            Ok(Arc::new(partition))
        })
        .collect()
}
