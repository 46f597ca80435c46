//! What the portal shows and asks: the use of tokens over time, and when a password was confirmed. And the secret of a webhook
//! before the last change, which signs too for a while.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, blob_null, string},
};

/// The step.
pub struct Portal;

impl MigrationName for Portal {
    fn name(&self) -> &'static str {
        "m0007_portal"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Portal {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Without a foreign key, as token_clients, and for the same reason.
        let usage_points = Table::create()
            .table("usage_points")
            .col(string("token_id"))
            .col(big_integer("step"))
            .col(big_integer("at"))
            .col(string("workspace_id"))
            .col(big_integer("requests"))
            .col(big_integer("bytes"))
            .col(big_integer("refused"))
            .col(big_integer_null("connections"))
            .primary_key(Index::create().col("token_id").col("step").col("at"))
            .take();
        manager.create_table(usage_points).await?;
        for (name, first) in [("usage_points_at", None), ("usage_points_workspace", Some("workspace_id"))] {
            let mut index = Index::create().name(name).table("usage_points").take();
            for column in first.into_iter().chain(["step", "at"]) {
                index.col(column);
            }
            manager.create_index(index).await?;
        }
        // Null: when the session was begun.
        for (table, column) in [
            ("sessions", big_integer_null("confirmed_at")),
            ("webhooks", blob_null("previous_sealed")),
            ("webhooks", big_integer_null("previous_until")),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            let sql = "ALTER TABLE usage_points ALTER COLUMN workspace_id TYPE varchar COLLATE \"C\"";
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
