//! Settings of a workspace; who used which token, and what a rotation answered.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, string, text, text_null},
};

/// The step.
pub struct Usage;

impl MigrationName for Usage {
    fn name(&self) -> &'static str {
        "m0004_usage"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Usage {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let safe_to_rotate = big_integer_null("safe_to_rotate_minutes");
        manager.alter_table(Table::alter().table("workspaces").add_column(safe_to_rotate).take()).await?;
        // Without a foreign key: what a replica has counted may come when the token's workspace is gone.
        let token_clients = Table::create()
            .table("token_clients")
            .col(string("token_id"))
            .col(string("client"))
            .col(string("workspace_id"))
            .col(string("via"))
            .col(string("address"))
            .col(string("agent"))
            .col(string("software"))
            .col(big_integer("first_seen"))
            .col(big_integer("last_seen"))
            .col(big_integer("used_at"))
            .col(big_integer("fetched_at"))
            .col(big_integer("refused_at"))
            .col(big_integer("alarmed_at"))
            .col(big_integer("requests"))
            .col(big_integer("bytes"))
            .col(big_integer("refused"))
            .primary_key(Index::create().col("token_id").col("client"))
            .take();
        let idempotency = Table::create()
            .table("idempotency")
            .col(string("id").primary_key())
            .col(string("workspace_id"))
            .col(string("request"))
            .col(text("began"))
            .col(text_null("answer"))
            .col(big_integer("created_at"))
            .take();
        for table in [token_clients, idempotency] {
            manager.create_table(table).await?;
        }
        for (name, table, columns) in [
            // Which clients have not been seen for long; which dead tokens of a workspace were tried.
            ("token_clients_last_seen", "token_clients", ["last_seen", "token_id"]),
            ("token_clients_workspace", "token_clients", ["workspace_id", "refused_at"]),
            ("idempotency_created_at", "idempotency", ["created_at", "id"]),
        ] {
            let [first, second] = columns;
            manager.create_index(Index::create().name(name).table(table).col(first).col(second).take()).await?;
        }
        Ok(())
    }
}
