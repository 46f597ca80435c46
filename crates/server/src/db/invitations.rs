//! Invitations, known by the hash of their link's secret only.

use jiff::Timestamp;
use sea_orm::{
    ConnectionTrait, DbErr, ExprTrait, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr,
};
use sha2::{Digest, Sha256};
use twinkey_api::{Role, people::InvitationState, token::Secret};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitations")]
pub struct Model {
    /// The invitation's public id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Into which organisation.
    pub organisation_id: String,
    /// Into which workspace only; null: the whole organisation.
    pub workspace_id: Option<String>,
    /// Who is invited; in lower case.
    pub email: String,
    /// With which role.
    pub role: String,
    /// See [`hash`].
    pub hash: Vec<u8>,
    /// The id of the user who invited.
    pub invited_by: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub expires_at: i64,
    /// Milliseconds since the epoch.
    pub accepted_at: Option<i64>,
    /// Milliseconds since the epoch.
    pub revoked_at: Option<i64>,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The role.
    pub fn role(&self) -> Role {
        Role::from_stored(&self.role)
    }

    /// Whether it can be accepted.
    pub fn state(&self, now: Timestamp) -> InvitationState {
        if self.accepted_at.is_some() {
            InvitationState::Accepted
        } else if self.revoked_at.is_some() {
            InvitationState::Revoked
        } else if self.expires_at <= now.as_millisecond() {
            InvitationState::Expired
        } else {
            InvitationState::Open
        }
    }
}

/// What a link's secret is known by. Without a key, unlike those of tokens: it has 190 random bits, so nobody guesses it from
/// its hash, and a change of the master key leaves links that are on their way as they are.
pub fn hash(secret: &Secret) -> Vec<u8> {
    Sha256::digest(secret.expose()).to_vec()
}

/// The invitation behind a link.
pub async fn find_by_secret(db: &impl ConnectionTrait, secret: &Secret) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Hash.eq(hash(secret))).one(db).await
}

/// The one with this id, into the organisation as a whole or into one workspace.
pub async fn find_in(
    db: &impl ConnectionTrait,
    (organisation_id, workspace_id): (&str, Option<&str>),
    id: &str,
) -> Result<Option<Model>, DbErr> {
    within(organisation_id, workspace_id).filter(Column::Id.eq(id)).one(db).await
}

/// Those into the organisation as a whole or into one workspace, the newest first, behind the one with the id `before`;
/// `None`: there is no such one.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: (&str, Option<&str>),
    before: Option<&str>,
    limit: u64,
) -> Result<Option<Vec<Model>>, DbErr> {
    let mut query = within(scope.0, scope.1);
    if let Some(before) = before {
        let Some(row) = find_in(db, scope, before).await? else { return Ok(None) };
        let same_moment = Column::CreatedAt.eq(row.created_at).and(Column::Id.lt(row.id));
        query = query.filter(Column::CreatedAt.lt(row.created_at).or(same_moment));
    }
    query.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(limit).all(db).await.map(Some)
}

fn within(organisation_id: &str, workspace_id: Option<&str>) -> Select<Entity> {
    let query = Entity::find().filter(Column::OrganisationId.eq(organisation_id));
    match workspace_id {
        Some(workspace_id) => query.filter(Column::WorkspaceId.eq(workspace_id)),
        None => query.filter(Column::WorkspaceId.is_null()),
    }
}

/// Those for an address that have been neither accepted nor withdrawn, the oldest first.
pub async fn list_for(db: &impl ConnectionTrait, email: &str) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Email.eq(email))
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .order_by_asc(Column::CreatedAt)
        .all(db)
        .await
}

/// Stores an invitation. It takes the place of an open one for the same address and scope.
pub async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let same_scope = match &row.workspace_id {
        Some(workspace_id) => Column::WorkspaceId.eq(workspace_id.as_str()),
        None => Column::WorkspaceId.is_null(),
    };
    Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(row.created_at))
        .filter(Column::OrganisationId.eq(row.organisation_id.as_str()))
        .filter(same_scope)
        .filter(Column::Email.eq(row.email.as_str()))
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(row.created_at))
        .exec(db)
        .await?;
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// Notes that it was accepted.
pub async fn set_accepted(db: &impl ConnectionTrait, id: &str, now: Timestamp) -> Result<(), DbErr> {
    set(db, id, Column::AcceptedAt, now).await
}

/// Withdraws it.
pub async fn revoke(db: &impl ConnectionTrait, id: &str, now: Timestamp) -> Result<(), DbErr> {
    set(db, id, Column::RevokedAt, now).await
}

async fn set(db: &impl ConnectionTrait, id: &str, column: Column, now: Timestamp) -> Result<(), DbErr> {
    let value = Expr::value(now.as_millisecond());
    Entity::update_many().col_expr(column, value).filter(Column::Id.eq(id)).exec(db).await?;
    Ok(())
}
