//! The commands that talk to a server, one module for each noun.

pub mod audit;
pub mod consume;
pub mod env;
pub mod login;
pub mod produce;
mod record;
mod streaming;
pub mod tokens;
pub mod topics;
pub mod workspaces;

use comfy_table::{Table, presets::NOTHING};
use twinkey_api::{WorkspaceId, name::BadWorkspaceId};

/// Checks a workspace's id where it is typed, so that it can stand in a path.
fn workspace_id(text: &str) -> Result<String, BadWorkspaceId> {
    WorkspaceId::parse(text).map(|id| id.to_string())
}

/// A table in the house style: a header, no lines.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.to_vec());
    table
}
