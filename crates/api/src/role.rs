//! Roles and what they allow.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a user may do, at organisation or workspace scope. Ordered: a later role may do everything an earlier one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Role {
    /// Nothing; the workspace is not even visible.
    None,
    /// See workspaces and topics, read messages.
    Viewer,
    /// Also create, change and delete topics; reveal tokens and broker credentials.
    Editor,
    /// Also create workspaces and manage members.
    Manager,
    /// Also rotate SDK tokens, read the audit log.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 5] = [Self::None, Self::Viewer, Self::Editor, Self::Manager, Self::Admin];

    /// The role that counts in a workspace: the one given there, else the organisation's.
    pub fn effective(organisation: Self, workspace: Option<Self>) -> Self {
        workspace.unwrap_or(organisation)
    }

    /// The role's name as it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Viewer => "Viewer",
            Self::Editor => "Editor",
            Self::Manager => "Manager",
            Self::Admin => "Admin",
        }
    }

    /// The role with this name; the opposite of [`Role::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The role that was stored under this name. A word that this version does not know, because a later one wrote it, gives
    /// nothing.
    pub fn from_stored(name: &str) -> Self {
        Self::from_name(name).unwrap_or(Self::None)
    }
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn the_narrower_scope_wins_in_both_directions() {
        assert_eq!(Role::effective(Role::Admin, Some(Role::Viewer)), Role::Viewer);
        assert_eq!(Role::effective(Role::None, Some(Role::Admin)), Role::Admin);
        assert_eq!(Role::effective(Role::Editor, None), Role::Editor);
    }

    #[test]
    fn names_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!((Role::from_stored("Admin"), Role::from_stored("Owner")), (Role::Admin, Role::None));
    }
}
