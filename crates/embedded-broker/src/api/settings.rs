//! What the APIs about settings have in common.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError;

use super::{Context, errors::Refusal};
use crate::topics::{ConfigChange, ConfigKey, ConfigKind};

/// The resource type of topics.
const TOPIC: i8 = 2;
/// The source of a value that was set on the topic …
const TOPIC_CONFIG: i8 = 1;
/// … and of one that was not.
pub(super) const DEFAULT_CONFIG: i8 = 5;

/// A setting of a topic: key, value, whether it is the default.
pub(super) type Entry<'a> = (&'static ConfigKey, &'a str, bool);

/// Where a value comes from.
pub(super) fn source(is_default: bool) -> i8 {
    if is_default { DEFAULT_CONFIG } else { TOPIC_CONFIG }
}

/// The type of a setting as DescribeConfigs numbers them.
pub(super) fn type_code(kind: &ConfigKind) -> i8 {
    match kind {
        ConfigKind::Boolean => 1,
        ConfigKind::OneOf(_) => 2,
        ConfigKind::Int { .. } => 3,
        ConfigKind::Long { .. } => 5,
        ConfigKind::Fraction => 6,
        ConfigKind::ListOf(_) => 7,
    }
}

/// Whether the session may see and change the settings of a resource: topics of its scope, and nothing else.
pub(super) fn authorize(context: &Context, resource_type: i8, name: &str) -> Result<(), Refusal> {
    match resource_type {
        TOPIC if context.session.scope.contains(name) => Ok(()),
        TOPIC => Err(Refusal::topic_outside()),
        _ => Err(Refusal::cluster()),
    }
}

/// Refuses a resource or a setting that a request names twice: which of the two is meant cannot be known.
pub(super) fn once<K: Ord>(keys: impl IntoIterator<Item = K>) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    if keys.into_iter().all(|key| seen.insert(key)) {
        return Ok(());
    }
    Err(Refusal::new(ResponseError::InvalidRequest, "The request names a resource or a setting twice."))
}

/// Changes the settings of a topic, or only checks whether it could.
pub(super) fn alter(
    context: &Context,
    topic: &str,
    changes: &[ConfigChange],
    validate_only: bool,
) -> Result<(), Refusal> {
    if validate_only {
        return Ok(context.broker.topics.validate_config(topic, changes)?);
    }
    context.broker.topics.alter_config(topic, changes)?;
    tracing::info!(topic, principal = context.session.principal, "topic settings changed");
    Ok(())
}
