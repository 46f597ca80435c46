//! Names of workspaces and topics, and the rules that keep workspaces apart on the broker.

use std::fmt;

/// The longest workspace id.
pub const WORKSPACE_ID_MAX: usize = 60;
/// The longest topic id (`{workspaceId}-{name}`), Kafka's own limit for a topic name.
pub const TOPIC_ID_MAX: usize = 249;

/// First path segments that a route of ours, or a route that existing clients know, already uses: `/{workspaceId}/topics`
/// must never be mistaken for one of them, nor `/workspaces/{workspaceId}` for `/workspaces/overview`.
const RESERVED: [&str; 36] = [
    "ai",
    "api",
    "applications",
    "assets",
    "audit",
    "auth",
    "broker",
    "certificates",
    "deployments",
    "dev-sessions",
    "docs",
    "healthz",
    "ide",
    "invitations",
    "library",
    "metrics",
    "oidc",
    "organisations",
    "organizations",
    "overview",
    "portal",
    "profile",
    "projects",
    "readyz",
    "repositories",
    "scim",
    "secrets",
    "sessions",
    "static",
    "system",
    "tokens",
    "topics",
    "users",
    "webhooks",
    "workspace",
    "workspaces",
];

/// Why a text cannot be a workspace id; the sentences are meant for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWorkspaceId {
    /// It is not of the form `^[a-z0-9]+(-[a-z0-9]+)*$`, or too long.
    #[error(
        "workspaceId '{0}' is not allowed: use lower-case letters and digits, with single hyphens between them \
         (for example 'acme-demo-dev'), at most {WORKSPACE_ID_MAX} characters"
    )]
    Form(String),
    /// It is the first path segment of a route.
    #[error("workspaceId '{0}' is not allowed: the name is reserved for a route of the API")]
    Reserved(String),
}

/// The id of a workspace: valid form, not reserved. Whether it is free is for the database to say.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspaceId(std::sync::Arc<str>);

impl WorkspaceId {
    /// Checks form and reserved names.
    pub fn parse(text: &str) -> Result<Self, BadWorkspaceId> {
        let well_formed = text.len() <= WORKSPACE_ID_MAX
            && text.split('-').all(|part| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            });
        if !well_formed {
            return Err(BadWorkspaceId::Form(text.chars().take(WORKSPACE_ID_MAX + 20).collect()));
        }
        if RESERVED.binary_search(&text).is_ok() {
            return Err(BadWorkspaceId::Reserved(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the two could see each other's topics under prefix rules: equal, or one is the other followed by `-…`.
    pub fn overlaps(&self, other: &Self) -> bool {
        let extends = |long: &str, short: &str| {
            long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        extends(&self.0, &other.0) || extends(&other.0, &self.0)
    }

    /// The ids that this one extends: for `a-b-c` they are `a` and `a-b`.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('-').map(|(at, _)| &self.0[..at])
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text cannot be the name of a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTopicName {
    /// It is empty.
    #[error("the topic name is empty; use letters, digits, '.', '_' and '-'")]
    Empty,
    /// It contains something that Kafka does not allow.
    #[error("topic name '{0}' is not allowed: use only letters, digits, '.', '_' and '-'")]
    Characters(String),
    /// With the workspace in front it exceeds Kafka's limit.
    #[error(
        "topic name is too long: '{workspace_id}-' and the name may have {TOPIC_ID_MAX} characters together, this has {length}"
    )]
    Length {
        /// The workspace that the topic would belong to.
        workspace_id: WorkspaceId,
        /// How long the id would be.
        length: usize,
    },
}

/// The name of a topic inside its workspace, and from it the id on the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicName {
    id: String,
    prefix_length: usize,
}

impl TopicName {
    /// Checks the rules for a topic `name` of `workspace_id`.
    pub fn parse(workspace_id: &WorkspaceId, name: &str) -> Result<Self, BadTopicName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() {
            return Err(BadTopicName::Empty);
        }
        if !name.bytes().all(allowed) {
            return Err(BadTopicName::Characters(name.chars().take(TOPIC_ID_MAX).collect()));
        }
        let id = format!("{workspace_id}-{name}");
        if id.len() > TOPIC_ID_MAX {
            return Err(BadTopicName::Length { workspace_id: workspace_id.clone(), length: id.len() });
        }
        Ok(Self { id, prefix_length: workspace_id.as_str().len() + 1 })
    }

    /// `{workspaceId}-{name}`, the topic's name on the broker.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name without the workspace.
    pub fn name(&self) -> &str {
        &self.id[self.prefix_length..]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn workspace(id: &str) -> WorkspaceId {
        WorkspaceId::parse(id).expect("valid id")
    }

    #[test]
    fn the_reserved_list_is_sorted_so_that_binary_search_finds_all() {
        assert!(RESERVED.is_sorted());
        assert!(matches!(WorkspaceId::parse("workspaces"), Err(BadWorkspaceId::Reserved(_))));
    }

    #[test]
    fn forms() {
        for bad in ["", "-a", "a-", "a--b", "Acme", "a_b", "a.b", "ä", &"x".repeat(61)] {
            assert!(matches!(WorkspaceId::parse(bad), Err(BadWorkspaceId::Form(_))), "{bad}");
        }
        for good in ["a", "7", "acme-demo-dev", &"x".repeat(60)] {
            assert!(WorkspaceId::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn overlaps_only_at_a_hyphen() {
        let acme = workspace("acme");
        assert!(acme.overlaps(&workspace("acme-dev")));
        assert!(workspace("acme-dev").overlaps(&acme));
        assert!(acme.overlaps(&acme));
        assert!(!acme.overlaps(&workspace("acme2")));
        assert_eq!(workspace("a-b-c").ancestors().collect::<Vec<_>>(), ["a", "a-b"]);
    }

    #[test]
    fn topic_ids_have_the_workspace_in_front() {
        let topic = TopicName::parse(&workspace("acme"), "or.de_rs-1").expect("valid");
        assert_eq!((topic.id(), topic.name()), ("acme-or.de_rs-1", "or.de_rs-1"));
        assert_eq!(TopicName::parse(&workspace("acme"), ""), Err(BadTopicName::Empty));
        assert!(matches!(TopicName::parse(&workspace("acme"), "in put"), Err(BadTopicName::Characters(_))));
        assert!(TopicName::parse(&workspace("acme"), &"x".repeat(244)).is_ok());
        assert!(matches!(TopicName::parse(&workspace("acme"), &"x".repeat(245)), Err(BadTopicName::Length { .. })));
    }

    proptest! {
        /// The reason for the prefix rule: no topic id of one workspace lies in the scope of another.
        #[test]
        fn topics_of_workspaces_that_do_not_overlap_never_meet(a in "[a-c]{1,2}(-[a-c]{1,2}){0,2}", b in "[a-c]{1,2}(-[a-c]{1,2}){0,2}", name in "[a-c.-]{1,6}") {
            let (a, b) = (workspace(&a), workspace(&b));
            prop_assume!(!a.overlaps(&b));
            let topic = TopicName::parse(&a, &name).expect("valid");
            let scope = format!("{b}-");
            prop_assert!(!topic.id().starts_with(&scope));
        }
    }
}
