//! What remains of deleted workspaces: enough to tell the holder of a dead token what became of it.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, blob, string},
};

/// The step.
pub struct Deletion;

impl MigrationName for Deletion {
    fn name(&self) -> &'static str {
        "m0006_deletion"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Deletion {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // No foreign key: the workspace is gone, and its id may be another one's by now.
        let deleted_tokens = Table::create()
            .table("deleted_tokens")
            .col(string("id").primary_key())
            .col(string("workspace_id"))
            .col(blob("hash").unique_key())
            .col(big_integer("deleted_at"))
            .take();
        manager.create_table(deleted_tokens).await
    }
}
