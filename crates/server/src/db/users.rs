//! Users, and their roles.

use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, QueryOrder, entity::prelude::*};
use twinkey_api::{Role, WorkspaceId};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// The user's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose member the user is.
    pub organisation_id: String,
    /// In lower case.
    pub email: String,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// The role in the organisation.
    pub role: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The role in the organisation; a word that this version does not know gives nothing.
    pub fn organisation_role(&self) -> Role {
        Role::from_name(&self.role).unwrap_or(Role::None)
    }
}

/// Roles that differ from the organisation's in one workspace.
pub mod memberships {
    use sea_orm::entity::prelude::*;

    /// A row.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "memberships")]
    pub struct Model {
        /// Who.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        /// Where.
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: String,
        /// What.
        pub role: String,
    }

    /// No relations are walked through the ORM.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The user with this address, in any case.
pub async fn find_by_email(db: &impl ConnectionTrait, email: &str) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Email.eq(email.to_lowercase())).one(db).await
}

/// The user with this id.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// The first user of the organisation with the role Admin, for whom the local command line acts.
pub async fn find_admin(db: &impl ConnectionTrait) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Role.eq(Role::Admin.name())).order_by_asc(Column::CreatedAt).one(db).await
}

/// Stores a user.
pub async fn insert(
    db: &impl ConnectionTrait,
    id: &str,
    organisation_id: &str,
    email: &str,
    password_hash: String,
    role: Role,
    now: Timestamp,
) -> Result<Model, DbErr> {
    let row = ActiveModel {
        id: Set(id.to_owned()),
        organisation_id: Set(organisation_id.to_owned()),
        email: Set(email.to_lowercase()),
        password_hash: Set(password_hash),
        role: Set(role.name().to_owned()),
        created_at: Set(now.as_millisecond()),
    };
    row.insert(db).await
}

/// Gives a user another role in one workspace.
pub async fn insert_membership(
    db: &impl ConnectionTrait,
    user_id: &str,
    workspace_id: &WorkspaceId,
    role: Role,
) -> Result<(), DbErr> {
    let row = memberships::ActiveModel {
        user_id: Set(user_id.to_owned()),
        workspace_id: Set(workspace_id.as_str().to_owned()),
        role: Set(role.name().to_owned()),
    };
    memberships::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Takes everybody's own role in a workspace away: it is being removed.
pub async fn forget_workspace(db: &impl ConnectionTrait, workspace_id: &str) -> Result<(), DbErr> {
    memberships::Entity::delete_many().filter(memberships::Column::WorkspaceId.eq(workspace_id)).exec(db).await?;
    Ok(())
}

/// The role that `user` has in one workspace: the narrower scope wins.
pub async fn role_in(db: &impl ConnectionTrait, user: &Model, workspace_id: &WorkspaceId) -> Result<Role, DbErr> {
    let membership =
        memberships::Entity::find_by_id((user.id.clone(), workspace_id.as_str().to_owned())).one(db).await?;
    let narrower = membership.map(|row| Role::from_name(&row.role).unwrap_or(Role::None));
    Ok(Role::effective(user.organisation_role(), narrower))
}

/// All workspaces in which `user` has a role of its own.
pub async fn memberships_of(db: &impl ConnectionTrait, user: &Model) -> Result<Vec<(String, Role)>, DbErr> {
    let rows = memberships::Entity::find().filter(memberships::Column::UserId.eq(user.id.as_str())).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.workspace_id, Role::from_name(&row.role).unwrap_or(Role::None))).collect())
}
