//! Names, invitations, accounts at an OpenID Connect provider, where sessions come from, and what personal access tokens are limited to.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, blob, string, string_null},
};

/// The step.
pub struct People;

impl MigrationName for People {
    fn name(&self) -> &'static str {
        "m0003_people"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for People {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let invitations = Table::create()
            .table("invitations")
            .col(string("id").primary_key())
            .col(string("organisation_id"))
            .col(string_null("workspace_id"))
            .col(string("email"))
            .col(string("role"))
            .col(blob("hash").unique_key())
            .col(string("invited_by"))
            .col(big_integer("created_at"))
            .col(big_integer("expires_at"))
            .col(big_integer_null("accepted_at"))
            .col(big_integer_null("revoked_at"))
            .foreign_key(ForeignKey::create().from("invitations", "organisation_id").to("organisations", "id"))
            .foreign_key(ForeignKey::create().from("invitations", "workspace_id").to("workspaces", "id"))
            .take();
        manager.create_table(invitations).await?;
        let identities = Table::create()
            .table("identities")
            .col(string("issuer"))
            .col(string("subject"))
            .col(string("user_id"))
            .col(big_integer("created_at"))
            .primary_key(Index::create().col("issuer").col("subject"))
            .foreign_key(ForeignKey::create().from("identities", "user_id").to("users", "id"))
            .take();
        manager.create_table(identities).await?;
        for (table, column) in [
            ("users", string_null("name")),
            ("sessions", string_null("address")),
            ("sessions", string_null("user_agent")),
            ("sessions", big_integer_null("last_used_at")),
            ("pats", string_null("workspace_id")),
            ("pats", string_null("role")),
            ("pats", big_integer_null("last_used_at")),
        ] {
            // SQLite adds one column at a time.
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        for (name, table, column) in [
            ("sessions_user", "sessions", "user_id"),
            ("pats_user", "pats", "user_id"),
            ("identities_user", "identities", "user_id"),
            ("memberships_workspace", "memberships", "workspace_id"),
            ("invitations_email", "invitations", "email"),
        ] {
            manager.create_index(Index::create().name(name).table(table).col(column).take()).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            for (table, column) in [("invitations", "workspace_id"), ("pats", "workspace_id"), ("users", "email")] {
                let sql = format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar COLLATE \"C\"");
                manager.get_connection().execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }
}
