//! Indices for what is looked up inside write transactions, for which everybody waits: how many answers of a workspace's rotations are
//! kept, and which sessions have expired.

use sea_orm_migration::prelude::*;

/// The step.
pub struct Indices;

impl MigrationName for Indices {
    fn name(&self) -> &'static str {
        "m0008_indices"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Indices {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut answers = Index::create();
        answers.name("idempotency_workspace").table("idempotency").col("workspace_id").col("created_at");
        manager.create_index(answers.take()).await?;
        let sessions = Index::create().name("sessions_expires_at").table("sessions").col("expires_at").take();
        manager.create_index(sessions).await
    }
}
