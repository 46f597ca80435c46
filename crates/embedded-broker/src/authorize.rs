//! What a principal may touch: everything whose name begins with `{workspaceId}-`, and nothing else.
//!
//! The rule is asked before anything is looked up, so that the answer for a name outside the scope does not depend on
//! whether the thing exists. Listings leave out silently what is outside.

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
        Self { prefix: format!("{workspace_id}-").into() }
    }

    /// Whether `name` (of a topic, a group or a transactional id) lies in this scope.
    pub fn contains(&self, name: &str) -> bool {
        name.len() > self.prefix.len() && name.starts_with(&*self.prefix)
    }
}

/// Bit sets of Kafka's ACL operations, for the `*_authorized_operations` fields (KIP-430): bit `n` is the operation with
/// code `n`. They name what the scope grants, as the ACLs of a real cluster would.
pub(crate) mod operations {
    const READ: i32 = 1 << 3;
    const WRITE: i32 = 1 << 4;
    const CREATE: i32 = 1 << 5;
    const DELETE: i32 = 1 << 6;
    const ALTER: i32 = 1 << 7;
    const DESCRIBE: i32 = 1 << 8;
    const DESCRIBE_CONFIGS: i32 = 1 << 10;
    const ALTER_CONFIGS: i32 = 1 << 11;

    /// The field's value where the client did not ask.
    pub(crate) const NOT_ASKED: i32 = i32::MIN;
    /// On a topic of the scope.
    pub(crate) const TOPIC: i32 = READ | WRITE | CREATE | DELETE | ALTER | DESCRIBE | DESCRIBE_CONFIGS | ALTER_CONFIGS;
    /// On a group of the scope.
    pub(crate) const GROUP: i32 = READ | DELETE | DESCRIBE;
    /// On the cluster: nothing, because a principal ends at its workspace.
    pub(crate) const CLUSTER: i32 = 0;
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn a_scope_holds_its_names_and_no_others() {
        let scope = Scope::of_workspace("acme-demo");
        assert!(scope.contains("acme-demo-clicks"));
        assert!(scope.contains("acme-demo--"));
        for outside in [
            "",
            "acme-demo",
            "acme-demo-",
            "acme-demox",
            "acme-demox-clicks",
            "Acme-demo-clicks",
            "other-acme-demo-clicks",
        ] {
            assert!(!scope.contains(outside), "{outside}");
        }
    }
}
