//! What a replica does with the database's answer to a heartbeat, as a decision without I/O.

use std::collections::BTreeSet;

/// A change of the tokens of one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Counts the changes of the installation, without gaps.
    pub revision: i64,
    /// Whose tokens changed.
    pub workspace_id: String,
    /// Milliseconds since the epoch. With the others it tells one history from another.
    pub at: i64,
}

/// The answer to a heartbeat: one statement, so one snapshot of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether this replica's row was there.
    pub registered: bool,
    /// The newest revision.
    pub revision: i64,
    /// The changes from the one that the replica has applied last, that one included, in order.
    pub changes: Vec<Change>,
}

/// How far memory has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Memory holds this revision or newer; `None`: nothing was loaded yet.
    pub revision: Option<i64>,
    /// The change with that revision, if there was one.
    change: Option<Change>,
}

/// What brings memory up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatchUp {
    /// Reading these workspaces anew; none if nothing changed.
    Workspaces(BTreeSet<String>),
    /// Forgetting everything and loading it: the changes in between are not known any more, or the database has another
    /// history than the one that memory follows (a standby that took over without the newest commits, a backup).
    All,
}

impl Applied {
    /// What an answer asks for.
    pub fn catch_up(&self, answer: &Answer) -> CatchUp {
        let Some(applied) = self.revision else { return CatchUp::All };
        let known = answer.changes.iter().find(|change| change.revision == applied);
        let newer = || answer.changes.iter().filter(|change| change.revision > applied);
        let same_history = known == self.change.as_ref();
        let without_gaps = i64::try_from(newer().count()).is_ok_and(|count| count == answer.revision - applied);
        if same_history && without_gaps {
            CatchUp::Workspaces(newer().map(|change| change.workspace_id.clone()).collect())
        } else {
            CatchUp::All
        }
    }

    /// How far memory has come once that was done.
    pub fn advanced(answer: &Answer) -> Self {
        let change = answer.changes.iter().find(|change| change.revision == answer.revision).cloned();
        Self { revision: Some(answer.revision), change }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(revision: i64, workspace_id: &str) -> Change {
        Change { revision, workspace_id: workspace_id.into(), at: revision * 10 }
    }

    fn answer(revision: i64, changes: Vec<Change>) -> Answer {
        Answer { registered: true, revision, changes }
    }

    fn at_three() -> Applied {
        Applied::advanced(&answer(3, vec![change(3, "a")]))
    }

    fn workspaces<const N: usize>(ids: [&str; N]) -> CatchUp {
        CatchUp::Workspaces(ids.map(str::to_owned).into())
    }

    #[test]
    fn changed_workspaces_are_read_anew_each_once() {
        assert_eq!(at_three().catch_up(&answer(3, vec![change(3, "a")])), workspaces([]));
        let changes = vec![change(3, "a"), change(4, "b"), change(5, "c"), change(6, "b")];
        assert_eq!(at_three().catch_up(&answer(6, changes)), workspaces(["b", "c"]));
        let fresh = Applied::advanced(&answer(0, vec![]));
        assert_eq!(fresh.catch_up(&answer(1, vec![change(1, "a")])), workspaces(["a"]));
    }

    #[test]
    fn what_is_not_known_whole_is_loaded_whole() {
        assert_eq!(Applied::default().catch_up(&answer(0, vec![])), CatchUp::All);
        let trimmed = answer(9, vec![change(8, "b"), change(9, "c")]);
        assert_eq!(at_three().catch_up(&trimmed), CatchUp::All);
        let gap = answer(5, vec![change(3, "a"), change(5, "c")]);
        assert_eq!(at_three().catch_up(&gap), CatchUp::All);
    }

    #[test]
    fn another_history_is_noticed_although_it_is_as_long() {
        assert_eq!(at_three().catch_up(&answer(2, vec![])), CatchUp::All, "a commit was lost");
        let other = Change { at: 31, ..change(3, "a") };
        assert_eq!(at_three().catch_up(&answer(3, vec![other.clone()])), CatchUp::All, "and replaced by another one");
        assert_eq!(at_three().catch_up(&answer(4, vec![other, change(4, "b")])), CatchUp::All);
    }
}
