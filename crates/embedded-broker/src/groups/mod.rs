//! Consumer groups (classic protocol) and committed offsets.
//!
//! * [`group`]: one group as a pure state machine; [`member`] and [`subscription`] belong to it;
//! * [`coordinator`]: all groups, waiting requests, time;
//! * [`offsets`]: what was committed, in memory and, through [`journal`], on disk;
//! * [`limits`]: every bound, with its reason.
//!
//! Groups live in memory only: after a restart clients are told that they are unknown and join again, as after a
//! coordinator that lost its log. Offsets live on disk.

mod coordinator;
mod error;
mod group;
mod journal;
mod limits;
mod member;
mod offsets;
mod subscription;

pub(crate) use coordinator::GroupCoordinator;
pub(crate) use error::{GroupError, code_of};
pub(crate) use group::{Caller, Description, Leaver, Listing, State, Sync};
pub(crate) use member::{Join, Joined, Synced};
pub(crate) use offsets::Committed;

use crate::Scope;

/// Whether the metadata of an offset is short enough to be stored.
pub(crate) fn check_offset_metadata(metadata: &str) -> Result<(), GroupError> {
    if metadata.len() > limits::OFFSET_METADATA { Err(GroupError::MetadataTooLarge) } else { Ok(()) }
}
