//! Settings of a workspace; who used which token, and what a rotation answered.

use sea_orm_migration::{prelude::*, schema::big_integer_null};

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
        Ok(())
    }
}
