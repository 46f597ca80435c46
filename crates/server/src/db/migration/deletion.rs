//! What remains of deleted workspaces: enough to tell the holder of a dead token what became of it. And what it takes to undo a
//! rotation, and to let tokens use any transactional id.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, blob, boolean, string, string_null},
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
        manager.create_table(deleted_tokens).await?;
        for (table, column) in [
            ("workspaces", boolean("any_transactional_id").default(false).take()),
            ("workspaces", big_integer_null("undo_minutes")),
            ("workspaces", string_null("undo_token")),
            ("tokens", big_integer_null("revealed_at")),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        Ok(())
    }
}
