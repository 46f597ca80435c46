//! Bounds, so that no client can take the broker's memory or make others wait without end.

use std::{ops::RangeInclusive, time::Duration};

/// The session time-outs that a member may ask for: Kafka's `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.
pub(super) const SESSION_TIMEOUT_MS: RangeInclusive<i32> = 6_000..=1_800_000;
/// How long a first join may wait for its rebalance; Kafka's value.
pub(super) const NEW_MEMBER_TIMEOUT: Duration = Duration::from_mins(5);
/// How long the first rebalance of an empty group waits for one more member, counted anew with each that comes.
///
/// The members that one process starts come within tens of milliseconds of one another, so that one rebalance serves them
/// all; and a tenth of a second does not show beside the sign-in of a single consumer. (Kafka's default is three
/// seconds, which every first run would notice; its test clusters use 0, which costs a rebalance for each member.)
pub(super) const INITIAL_DELAY: Duration = Duration::from_millis(100);
/// However many come, the first rebalance waits no longer.
pub(super) const INITIAL_DELAY_IN_ALL: Duration = Duration::from_secs(1);

/// Members of one group, those included that were given an id and have not come back with it.
pub(super) const MEMBERS: usize = 1_000;
/// Protocols that one member may support; clients send one to five.
pub(super) const PROTOCOLS: usize = 32;
/// Bytes of the metadata of one member, all protocols together.
pub(super) const METADATA_OF_MEMBER: usize = 256 * 1024;
/// Bytes of the metadata of all members, which the leader gets in one answer.
pub(super) const METADATA_OF_GROUP: usize = 8 * 1024 * 1024;
/// Bytes of all assignments of one generation.
pub(super) const ASSIGNMENTS: usize = 4 * 1024 * 1024;
/// Bytes of a group, instance, protocol or client id.
pub(super) const ID_BYTES: usize = 249;
/// Groups of one workspace.
pub(super) const GROUPS_OF_SCOPE: usize = 10_000;

/// Offsets of one group.
pub(super) const OFFSETS_OF_GROUP: usize = 50_000;
/// Bytes of the metadata of one offset; Kafka's `offset.metadata.max.bytes`.
pub(super) const OFFSET_METADATA: usize = 4_096;
/// How long the offsets of a group without members are kept; Kafka's `offsets.retention.minutes`.
pub(super) const OFFSETS_RETENTION: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);
