//! The catalogue of topics: names, ids, partitions, configuration, kept on disk.
//!
//! What exists is what has a `topics/<uuid>/meta.json`: writing it creates the topic, removing it deletes the topic.
//! Invariant: no two topics have the same name once `.` is folded to `_`.

mod config;
mod meta;
mod topic;

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, LockResult, Mutex, PoisonError, RwLock},
};

use jiff::Timestamp;
use uuid::Uuid;

pub use config::{CONFIG_KEYS, ConfigChange, ConfigKey, ConfigKind, TopicConfig};
pub use topic::Topic;

use crate::{
    Scope,
    clock::Clock,
    log::{Files, ProducerIds},
};
use meta::Meta;

/// The most partitions that one topic may have.
pub const MAX_PARTITIONS: i32 = 1_000;

/// The most partitions that the broker holds, so that no client can fill its memory with empty ones.
const MAX_PARTITIONS_OF_ALL: usize = 200_000;

/// A topic that someone wants to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// The full name on the broker.
    pub name: String,
    /// How many partitions: 1 to [`MAX_PARTITIONS`].
    pub partitions: i32,
    /// Settings that differ from the defaults.
    pub config: BTreeMap<String, String>,
}

/// Why a topic was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// There is a topic of exactly this name.
    #[error("Topic already exists.")]
    Exists,
    /// There is a topic whose name differs only in `.` and `_`.
    #[error("The name collides with the topic '{0}', because '.' and '_' are not told apart.")]
    SimilarName(String),
    /// The name is not one that a topic may have.
    #[error("{0}")]
    InvalidName(&'static str),
    /// The number of partitions is not possible.
    #[error("{0}")]
    InvalidPartitions(String),
    /// A setting is unknown, out of bounds or would not be honoured.
    #[error("{0}")]
    InvalidConfig(String),
    /// There is no such topic.
    #[error("There is no such topic.")]
    Unknown,
    /// The disk refused.
    #[error("The change could not be written to disk: {0}")]
    Io(#[from] io::Error),
}

/// Why the catalogue could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or directory could not be read or written.
    #[error("cannot open {}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What every topic needs of the broker.
struct Storage {
    files: Arc<Files>,
    clock: Clock,
}

/// All topics of the broker. Share it by reference; it locks inside.
pub struct Catalogue {
    dir: PathBuf,
    storage: Storage,
    producer_ids: ProducerIds,
    /// Held by whoever changes the catalogue, so that readers never wait for the disk.
    changes: Mutex<()>,
    names: RwLock<Names>,
}

#[derive(Default)]
struct Names {
    by_name: BTreeMap<String, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
    /// The folded name of every topic.
    folded: HashMap<String, String>,
    partitions: usize,
}

impl Names {
    fn insert(&mut self, topic: Arc<Topic>) {
        self.partitions += topic.partitions().len();
        self.folded.insert(fold(&topic.name), topic.name.clone());
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_name.insert(topic.name.clone(), topic);
    }

    fn remove(&mut self, topic: &Topic) {
        self.partitions -= topic.partitions().len();
        self.folded.remove(&fold(&topic.name));
        self.by_id.remove(&topic.id);
        self.by_name.remove(&topic.name);
    }
}

fn fold(name: &str) -> String {
    name.replace('.', "_")
}

/// A panic elsewhere must not take the broker's topics with it: the maps are never left half changed.
fn locked<T>(result: LockResult<T>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

impl Catalogue {
    /// Opens the topics below `dir` (the broker's data directory), recovers each partition, and clears away what a
    /// crash left of topics that were not wholly created or deleted.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, OpenError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| OpenError::Io { path, source }
        };
        let topics_dir = dir.join("topics");
        fs::create_dir_all(&topics_dir).map_err(failed(&topics_dir))?;
        let ids_path = dir.join("producer-ids");
        let producer_ids = ProducerIds::open(ids_path.clone()).map_err(failed(&ids_path))?;
        let storage = Storage { files: Arc::new(Files::default()), clock };
        let mut names = Names::default();
        for entry in fs::read_dir(&topics_dir).map_err(failed(&topics_dir))? {
            let path = entry.map_err(failed(&topics_dir))?.path();
            let Some(id) = path.file_name().and_then(|name| Uuid::parse_str(name.to_str()?).ok()) else {
                continue;
            };
            let Some(meta) = Meta::read(&path).map_err(failed(&path))? else {
                fs::remove_dir_all(&path).map_err(failed(&path))?;
                continue;
            };
            let topic = Topic::open(path.clone(), id, meta, &storage).map_err(failed(&path))?;
            names.insert(Arc::new(topic));
        }
        Ok(Self { dir: topics_dir, storage, producer_ids, changes: Mutex::default(), names: RwLock::new(names) })
    }

    /// The topic of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Topic>> {
        locked(self.names.read()).by_name.get(name).cloned()
    }

    /// The topic with this id.
    pub fn get_by_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        locked(self.names.read()).by_id.get(&id).cloned()
    }

    /// The topics in a scope, sorted by name.
    pub fn list(&self, scope: &Scope) -> Vec<Arc<Topic>> {
        self.all().into_iter().filter(|topic| scope.contains(&topic.name)).collect()
    }

    fn all(&self) -> Vec<Arc<Topic>> {
        locked(self.names.read()).by_name.values().cloned().collect()
    }

    /// Makes every check of [`Catalogue::create`] and changes nothing.
    pub fn validate(&self, new: &NewTopic) -> Result<(), TopicError> {
        self.check(new).map(drop)
    }

    fn check(&self, new: &NewTopic) -> Result<TopicConfig, TopicError> {
        check_name(&new.name)?;
        {
            let names = locked(self.names.read());
            match names.folded.get(&fold(&new.name)) {
                Some(same) if *same == new.name => return Err(TopicError::Exists),
                Some(similar) => return Err(TopicError::SimilarName(similar.clone())),
                None => check_partitions(new.partitions, new.partitions, names.partitions)?,
            }
        }
        TopicConfig::new(new.config.clone()).map_err(TopicError::InvalidConfig)
    }

    /// Creates a topic. It exists once its meta.json does.
    pub fn create(&self, new: NewTopic) -> Result<Arc<Topic>, TopicError> {
        let _guard = locked(self.changes.lock());
        let config = self.check(&new)?;
        let now = (self.storage.clock)();
        let id = Uuid::new_v4();
        let dir = self.dir.join(id.to_string());
        fs::create_dir(&dir)?;
        let meta = Meta {
            name: new.name,
            partitions: new.partitions,
            config: config.overrides().clone(),
            created_at: now,
            updated_at: now,
        };
        let topic = Arc::new(
            meta.write(&dir).and_then(|()| Topic::open(dir.clone(), id, meta, &self.storage)).inspect_err(|_| {
                // Best effort: without meta.json it would be cleared away at the next start in any case.
                let _ = fs::remove_dir_all(&dir);
            })?,
        );
        locked(self.names.write()).insert(Arc::clone(&topic));
        Ok(topic)
    }

    /// Deletes a topic and its records.
    pub fn delete(&self, name: &str) -> Result<(), TopicError> {
        let _guard = locked(self.changes.lock());
        let topic = self.get(name).ok_or(TopicError::Unknown)?;
        topic.remove()?;
        locked(self.names.write()).remove(&topic);
        Ok(())
    }

    /// Grows a topic to `total` partitions.
    pub fn add_partitions(&self, name: &str, total: i32) -> Result<(), TopicError> {
        self.validate_partitions(name, total)?;
        let _guard = locked(self.changes.lock());
        let topic = self.get(name).ok_or(TopicError::Unknown)?;
        self.validate_partitions(name, total)?;
        let before = topic.partitions().len();
        topic.grow(total, (self.storage.clock)(), &self.storage)?;
        locked(self.names.write()).partitions += topic.partitions().len() - before;
        Ok(())
    }

    /// Makes every check of [`Catalogue::add_partitions`] and changes nothing.
    pub fn validate_partitions(&self, name: &str, total: i32) -> Result<(), TopicError> {
        let names = locked(self.names.read());
        let topic = names.by_name.get(name).ok_or(TopicError::Unknown)?;
        let current = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        if total <= current {
            let sentence = format!("The topic has {current} partitions; the number can only grow.");
            return Err(TopicError::InvalidPartitions(sentence));
        }
        check_partitions(total, total - current, names.partitions)
    }

    /// Changes settings of a topic, all or none.
    pub fn alter_config(&self, name: &str, changes: &[ConfigChange]) -> Result<(), TopicError> {
        let _guard = locked(self.changes.lock());
        let topic = self.get(name).ok_or(TopicError::Unknown)?;
        let config = topic.config().with(changes).map_err(TopicError::InvalidConfig)?;
        topic.set_config(config, (self.storage.clock)())?;
        Ok(())
    }

    /// Makes every check of [`Catalogue::alter_config`] and changes nothing.
    pub fn validate_config(&self, name: &str, changes: &[ConfigChange]) -> Result<(), TopicError> {
        let topic = self.get(name).ok_or(TopicError::Unknown)?;
        topic.config().with(changes).map(drop).map_err(TopicError::InvalidConfig)
    }

    /// Deletes all records of a topic. Its offsets go on from where they are.
    pub fn clean(&self, name: &str) -> Result<(), TopicError> {
        let topic = self.get(name).ok_or(TopicError::Unknown)?;
        for partition in topic.partitions().iter() {
            partition.clean()?;
        }
        Ok(())
    }

    /// Deletes what is too old or too much in every topic; called now and then. Failures are logged and tried again
    /// at the next call.
    pub fn apply_retention(&self, now: Timestamp) {
        self.for_each_partition("retention", |partition| partition.apply_retention(now));
    }

    /// Writes down how far each partition's index and producers have come, so that the next start reads only what
    /// came later. Called at a clean stop; nothing depends on it but the time of that start.
    pub fn checkpoint(&self) {
        self.for_each_partition("checkpoint", crate::log::Partition::checkpoint);
    }

    fn for_each_partition(&self, what: &str, act: impl Fn(&crate::log::Partition) -> io::Result<()>) {
        for topic in self.all() {
            for (index, partition) in topic.partitions().iter().enumerate() {
                if let Err(error) = act(partition) {
                    tracing::warn!(topic = %topic.name, partition = index, %error, "{what} failed");
                }
            }
        }
    }

    /// A producer id that no one has and no one ever had (KIP-98).
    pub fn next_producer_id(&self) -> io::Result<i64> {
        self.producer_ids.next()
    }
}

/// Kafka's rule for topic names.
fn check_name(name: &str) -> Result<(), TopicError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let sentence = match name {
        "" => "The name of a topic must not be empty.",
        "." | ".." => "The name of a topic must not be '.' or '..'.",
        _ if name.len() > 249 => "The name of a topic has at most 249 characters.",
        _ if !name.chars().all(allowed) => {
            "The name of a topic may contain letters and digits of ASCII, '.', '_' and '-'."
        }
        _ => return Ok(()),
    };
    Err(TopicError::InvalidName(sentence))
}

fn check_partitions(total: i32, added: i32, of_all: usize) -> Result<(), TopicError> {
    if !(1..=MAX_PARTITIONS).contains(&total) {
        let sentence = format!("A topic has 1 to {MAX_PARTITIONS} partitions.");
        return Err(TopicError::InvalidPartitions(sentence));
    }
    if of_all + added.unsigned_abs() as usize > MAX_PARTITIONS_OF_ALL {
        let sentence = format!("The broker holds at most {MAX_PARTITIONS_OF_ALL} partitions, and {of_all} exist.");
        return Err(TopicError::InvalidPartitions(sentence));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
