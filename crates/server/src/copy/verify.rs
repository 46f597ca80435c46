//! Is the copy the same, and is it whole?

use sea_orm::ConnectionTrait;

use super::{
    Copied, CopyError,
    tables::{self, Content},
};
use crate::{
    audit::{self, Verdict},
    db,
};

/// Reads the target anew and compares it with what was read from the source; then looks at what the rows mean: two valid
/// tokens in each workspace, and an audit chain that continues from its first record to the same newest one.
pub async fn verify(
    source: &impl ConnectionTrait,
    target: &impl ConnectionTrait,
    written: &[Content],
) -> Result<Copied, CopyError> {
    let stored = tables::read_all(target).await?;
    for (written, stored) in written.iter().zip(&stored) {
        if written != stored {
            return Err(CopyError::Different(format!(
                "the table {} had {} rows and has {} now, or rows changed on the way",
                written.table, written.rows, stored.rows
            )));
        }
    }
    let workspaces = pairs(target).await?;
    let (before, after) = (audit::verify(source).await?, audit::verify(target).await?);
    match after {
        Verdict::Intact { records, head } if before == (Verdict::Intact { records, head: head.clone() }) => {
            Ok(Copied {
                rows: stored.iter().map(|it| (it.table, it.rows)).collect(),
                workspaces,
                audit_records: records,
                audit_head: head,
            })
        }
        Verdict::Intact { .. } => Err(CopyError::Different("the audit logs end differently".into())),
        Verdict::Broken { sequence, reason } => Err(CopyError::Different(format!(
            "the audit log is broken at record {sequence} ({reason}), perhaps in the source already; see: twinkey audit verify"
        ))),
    }
}

/// How many workspaces there are; each must have exactly one token in each slot, with a ciphertext to show it again.
async fn pairs(db: &impl ConnectionTrait) -> Result<u64, CopyError> {
    let (mut count, mut after) = (0, String::new());
    loop {
        let workspaces = db::workspaces::list_after(db, &after, 1000).await?;
        let (Some(first), Some(last)) = (workspaces.first(), workspaces.last()) else { return Ok(count) };
        let tokens = db::tokens::list_valid_between(db, &first.id, &last.id).await?;
        let mut slots: Vec<_> = tokens
            .iter()
            .filter(|token| !token.sealed.is_empty())
            .map(|token| (token.workspace_id.as_str(), token.slot.as_deref()))
            .collect();
        slots.sort_unstable();
        let wanted =
            workspaces.iter().flat_map(|it| [Some("current"), Some("next")].map(|slot| (it.id.as_str(), slot)));
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort_unstable();
        if slots != wanted || tokens.len() != wanted.len() {
            let text =
                format!("a workspace from '{}' to '{}' does not have exactly two valid tokens", first.id, last.id);
            return Err(CopyError::Different(text));
        }
        count += workspaces.len() as u64;
        after.clone_from(&last.id);
    }
}
