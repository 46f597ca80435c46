//! Checkpoints of the audit log, indices for its filters, and webhooks.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, blob, boolean, string, string_null, text, text_null},
};

/// The step.
pub struct Audit;

impl MigrationName for Audit {
    fn name(&self) -> &'static str {
        "m0005_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Audit {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let checkpoints = Table::create()
            .table("audit_checkpoints")
            .col(big_integer("sequence").primary_key())
            .col(string("installation"))
            .col(string("head"))
            .col(big_integer("at"))
            .col(text("signatures"))
            .take();
        // What a workspace is told about ends with it.
        let webhooks = Table::create()
            .table("webhooks")
            .col(string("id").primary_key())
            .col(string("workspace_id"))
            .col(text("url"))
            .col(text("events"))
            .col(blob("sealed"))
            .col(string("key_id"))
            .col(boolean("enabled"))
            .col(text_null("disabled_reason"))
            .col(big_integer("created_at"))
            .col(big_integer_null("last_success_at"))
            .col(big_integer("dropped"))
            .foreign_key(
                ForeignKey::create()
                    .from("webhooks", "workspace_id")
                    .to("workspaces", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .take();
        let deliveries = Table::create()
            .table("webhook_deliveries")
            .col(big_integer("sequence").primary_key())
            .col(string("id").unique_key())
            .col(string("webhook_id"))
            .col(string("event"))
            .col(text("payload"))
            .col(string("state"))
            .col(big_integer("created_at"))
            .col(big_integer("attempts"))
            .col(big_integer_null("next_attempt_at"))
            .col(big_integer_null("last_attempt_at"))
            .col(big_integer_null("last_status"))
            .col(string_null("last_error"))
            .foreign_key(
                ForeignKey::create()
                    .from("webhook_deliveries", "webhook_id")
                    .to("webhooks", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .take();
        for table in [checkpoints, webhooks, deliveries] {
            manager.create_table(table).await?;
        }
        let index = |name: &str, table: &str, columns: &[&str]| {
            let mut index = Index::create().name(name).table(table.to_owned()).take();
            for column in columns {
                index.col((*column).to_owned());
            }
            index
        };
        for index in [
            index("webhooks_workspace", "webhooks", &["workspace_id"]),
            index("webhook_deliveries_due", "webhook_deliveries", &["state", "next_attempt_at"]),
            index("webhook_deliveries_webhook", "webhook_deliveries", &["webhook_id", "sequence"]),
            index("audit_actor", "audit", &["actor", "sequence"]),
            index("audit_target", "audit", &["target", "sequence"]),
            index("audit_at", "audit", &["at"]),
        ] {
            manager.create_index(index).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            let sql = "ALTER TABLE webhooks ALTER COLUMN workspace_id TYPE varchar COLLATE \"C\"";
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
