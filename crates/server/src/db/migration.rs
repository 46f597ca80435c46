//! The schema, step by step. A step that was released is never edited; expand first, contract in a later release
//! (docs/migrations.md).

mod audit;
mod deletion;
mod indices;
mod people;
mod portal;
mod replicas;
mod usage;

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, blob, string, string_null, string_uniq, text},
};

/// How many steps the oldest program knows that may run on this schema. A step that only expands leaves it as it is; one that
/// contracts, or whose expansion the programs before would spoil, raises it. Programs that know only one step cannot ask. Those that know
/// two would take a personal access token that is limited to a workspace or a role for one that is not.
pub const OLDEST_SUPPORTED: i64 = 3;

/// All steps in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(Initial),
            Box::new(replicas::Replicas),
            Box::new(people::People),
            Box::new(usage::Usage),
            Box::new(audit::Audit),
            Box::new(deletion::Deletion),
            Box::new(portal::Portal),
            Box::new(indices::Indices),
        ]
    }
}

struct Initial;

impl MigrationName for Initial {
    fn name(&self) -> &'static str {
        "m0001_initial"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Initial {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let organisations = Table::create()
            .table("organisations")
            .col(string("id").primary_key())
            .col(string("name"))
            .col(big_integer("created_at"))
            .take();
        let workspaces = Table::create()
            .table("workspaces")
            .col(string("id").primary_key())
            .col(string("organisation_id"))
            .col(string("name"))
            .col(big_integer("generation"))
            .col(big_integer("created_at"))
            .foreign_key(ForeignKey::create().from("workspaces", "organisation_id").to("organisations", "id"))
            .take();
        let users = Table::create()
            .table("users")
            .col(string("id").primary_key())
            .col(string("organisation_id"))
            .col(string_uniq("email"))
            .col(string("password_hash"))
            .col(string("role"))
            .col(big_integer("created_at"))
            .foreign_key(ForeignKey::create().from("users", "organisation_id").to("organisations", "id"))
            .take();
        let memberships = Table::create()
            .table("memberships")
            .col(string("user_id"))
            .col(string("workspace_id"))
            .col(string("role"))
            .primary_key(Index::create().col("user_id").col("workspace_id"))
            .foreign_key(ForeignKey::create().from("memberships", "user_id").to("users", "id"))
            .foreign_key(ForeignKey::create().from("memberships", "workspace_id").to("workspaces", "id"))
            .take();
        let sessions = Table::create()
            .table("sessions")
            .col(string("id").primary_key())
            .col(string("user_id"))
            .col(blob("hash").unique_key())
            .col(big_integer("created_at"))
            .col(big_integer("expires_at"))
            .foreign_key(ForeignKey::create().from("sessions", "user_id").to("users", "id"))
            .take();
        let pats = Table::create()
            .table("pats")
            .col(string("id").primary_key())
            .col(string("user_id"))
            .col(string("name"))
            .col(blob("hash").unique_key())
            .col(big_integer("created_at"))
            .col(big_integer_null("expires_at"))
            .foreign_key(ForeignKey::create().from("pats", "user_id").to("users", "id"))
            .take();
        // `slot` is null once a token is deactivated; the unique index on it is the database's share of "exactly two".
        let tokens = Table::create()
            .table("tokens")
            .col(string("id").primary_key())
            .col(string("workspace_id"))
            .col(string_null("slot"))
            .col(blob("hash").unique_key())
            .col(blob("sealed"))
            .col(string("masked"))
            .col(big_integer("created_at"))
            .col(big_integer_null("deactivated_at"))
            .foreign_key(ForeignKey::create().from("tokens", "workspace_id").to("workspaces", "id"))
            .take();
        let one_token_for_each_slot = Index::create()
            .name("tokens_workspace_slot")
            .table("tokens")
            .col("workspace_id")
            .col("slot")
            .unique()
            .take();
        let audit = Table::create()
            .table("audit")
            .col(big_integer("sequence").primary_key())
            .col(big_integer("at"))
            .col(string("actor"))
            .col(string("credential"))
            .col(string("address"))
            .col(string("action"))
            .col(string_null("workspace_id"))
            .col(string_null("target"))
            .col(text("detail"))
            .col(string("previous_hash"))
            .col(string("hash"))
            .take();
        let audit_by_workspace =
            Index::create().name("audit_workspace").table("audit").col("workspace_id").col("sequence").take();
        for table in [organisations, workspaces, users, memberships, sessions, pats, tokens, audit] {
            manager.create_table(table).await?;
        }
        for index in [one_token_for_each_slot, audit_by_workspace] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
