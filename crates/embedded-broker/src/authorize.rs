//! What a principal may touch: everything whose name begins with `{workspaceId}-`, and nothing else.

/// The name space of one workspace on the broker: topics, groups and transactional ids that begin with `{workspaceId}-`.
///
/// Workspace ids are prefix-free (no id is another id followed by `-…`), so that two scopes never overlap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    prefix: std::sync::Arc<str>,
}

impl Scope {
    /// The scope of the workspace `workspace_id`.
    pub fn of_workspace(workspace_id: &str) -> Self {
        Self {
            prefix: format!("{workspace_id}-").into(),
        }
    }

    /// Whether `name` (of a topic, a group or a transactional id) lies in this scope.
    pub fn contains(&self, name: &str) -> bool {
        name.len() > self.prefix.len() && name.starts_with(&*self.prefix)
    }
}
