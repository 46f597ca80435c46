//! What several servers on one database need, and what a cut-off on Apache Kafka leaves to be remembered.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, string, string_null, text_null},
};

/// The step.
pub struct Replicas;

impl MigrationName for Replicas {
    fn name(&self) -> &'static str {
        "m0002_replicas"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Replicas {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let schema_support = Table::create()
            .table("schema_support")
            .col(big_integer("id").primary_key())
            .col(big_integer("version"))
            .col(big_integer("oldest_supported"))
            .take();
        let installation = Table::create()
            .table("installation")
            .col(string("id").primary_key())
            .col(big_integer("revision"))
            .col(string_null("broker"))
            .col(string_null("key_id"))
            .col(big_integer("created_at"))
            .take();
        let changes = Table::create()
            .table("changes")
            .col(big_integer("revision").primary_key())
            .col(string("workspace_id"))
            .col(big_integer("at"))
            .take();
        let replicas = Table::create()
            .table("replicas")
            .col(string("id").primary_key())
            .col(string("name"))
            .col(string("version"))
            .col(big_integer("started_at"))
            .col(big_integer("seen_at"))
            .col(big_integer("revision"))
            .col(big_integer("lease"))
            .take();
        let leases = Table::create()
            .table("leases")
            .col(string("name").primary_key())
            .col(string("holder"))
            .col(big_integer("epoch"))
            .col(big_integer("expires_at"))
            .take();
        for table in [schema_support, installation, changes, replicas, leases] {
            manager.create_table(table).await?;
        }
        for (table, column) in [
            ("workspaces", big_integer("revision").default(0).take()),
            ("workspaces", string("state").default("ready").take()),
            ("tokens", big_integer_null("cut_off_at")),
            ("tokens", text_null("cut_off_open")),
            ("tokens", string_null("repair_by")),
            ("tokens", big_integer_null("repair_since")),
            ("tokens", string_null("key_id")),
            ("pats", string_null("key_id")),
            ("sessions", string_null("key_id")),
        ] {
            // SQLite adds one column at a time.
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        // The embedded broker has always proved a cut-off before the rotation was acknowledged.
        let dead_are_cut_off = Query::update()
            .table("tokens")
            .value("cut_off_at", Expr::col("deactivated_at"))
            .and_where(Expr::col("deactivated_at").is_not_null())
            .take();
        manager.execute(dead_are_cut_off).await?;
        // What is not proved yet and what is not valid yet are few among many that are dead.
        let open_cut_offs = Index::create().name("tokens_cut_off").table("tokens").col("cut_off_at").col("slot").take();
        manager.create_index(open_cut_offs).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            order_by_bytes(manager).await?;
        }
        Ok(())
    }
}

/// Which ids lie between two others must not depend on the language that the database was made for. SQLite compares bytes.
async fn order_by_bytes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for (table, column) in [
        ("workspaces", "id"),
        ("tokens", "workspace_id"),
        ("memberships", "workspace_id"),
        ("changes", "workspace_id"),
        ("audit", "workspace_id"),
    ] {
        let sql = format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar COLLATE \"C\"");
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}
