//! Users, and their roles.

use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DbErr, ExprTrait, QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, OnConflict, Query, SelectStatement},
};
use twinkey_api::{Role, WorkspaceId};

use super::{identities, invitations, pats, sessions};

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
    /// Argon2id, as a PHC string; empty: no password was ever set, and none is right.
    pub password_hash: String,
    /// The role in the organisation.
    pub role: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// What people call the user.
    pub name: Option<String>,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The role in the organisation.
    pub fn organisation_role(&self) -> Role {
        Role::from_stored(&self.role)
    }
}

/// Roles that differ from the organisation's in one workspace.
pub mod memberships {
    use sea_orm::entity::prelude::*;
    use twinkey_api::Role;

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

    impl Model {
        /// What.
        pub fn role(&self) -> Role {
            Role::from_stored(&self.role)
        }
    }
}

/// The user with this address, in any case.
pub async fn find_by_email(db: &impl ConnectionTrait, email: &str) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Email.eq(email.to_lowercase())).one(db).await
}

/// The user with this id.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// The same user as a moment ago, when the password was proved; nothing if the account is gone or has another password now.
pub async fn find_unchanged(db: &impl ConnectionTrait, proved: &Model) -> Result<Option<Model>, DbErr> {
    let user = find(db, &proved.id).await?;
    Ok(user.filter(|user| user.password_hash == proved.password_hash))
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
        name: Set(None),
    };
    row.insert(db).await
}

/// Gives a user another role in one workspace, whether there was one or not.
pub async fn set_membership(
    db: &impl ConnectionTrait,
    user_id: &str,
    workspace_id: &str,
    role: Role,
) -> Result<(), DbErr> {
    let row = memberships::ActiveModel {
        user_id: Set(user_id.to_owned()),
        workspace_id: Set(workspace_id.to_owned()),
        role: Set(role.name().to_owned()),
    };
    let key = [memberships::Column::UserId, memberships::Column::WorkspaceId];
    let replace = OnConflict::columns(key).update_column(memberships::Column::Role).to_owned();
    memberships::Entity::insert(row).on_conflict(replace).exec_without_returning(db).await?;
    Ok(())
}

/// Takes a user the role of its own in one workspace.
pub async fn delete_membership(db: &impl ConnectionTrait, user_id: &str, workspace_id: &str) -> Result<(), DbErr> {
    memberships::Entity::delete_by_id((user_id.to_owned(), workspace_id.to_owned())).exec(db).await?;
    Ok(())
}

/// Gives a user another role in the organisation.
pub async fn set_role(db: &impl ConnectionTrait, id: &str, role: Role) -> Result<(), DbErr> {
    set(db, id, Column::Role, role.name()).await
}

/// Gives a user another password.
pub async fn set_password_hash(db: &impl ConnectionTrait, id: &str, hash: &str) -> Result<(), DbErr> {
    set(db, id, Column::PasswordHash, hash).await
}

/// Gives a user another name.
pub async fn set_name(db: &impl ConnectionTrait, id: &str, name: &str) -> Result<(), DbErr> {
    set(db, id, Column::Name, name).await
}

async fn set(db: &impl ConnectionTrait, id: &str, column: Column, value: &str) -> Result<(), DbErr> {
    Entity::update_many().col_expr(column, Expr::value(value.to_owned())).filter(Column::Id.eq(id)).exec(db).await?;
    Ok(())
}

/// Removes a user, and everything that acts for one.
pub async fn delete(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    sessions::delete_of(db, id, None).await?;
    pats::delete_of(db, id).await?;
    identities::delete_of(db, id).await?;
    memberships::Entity::delete_many().filter(memberships::Column::UserId.eq(id)).exec(db).await?;
    Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}

/// Members of an organisation behind an address, sorted by address; `""` for the first ones.
pub async fn list(
    db: &impl ConnectionTrait,
    organisation_id: &str,
    after: &str,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::OrganisationId.eq(organisation_id))
        .filter(Column::Email.gt(after))
        .order_by_asc(Column::Email)
        .limit(limit)
        .all(db)
        .await
}

/// Who can see a workspace of this organisation, or has a role of its own there: the same page as [`list`].
pub async fn list_in(
    db: &impl ConnectionTrait,
    organisation_id: &str,
    workspace_id: &WorkspaceId,
    after: &str,
    limit: u64,
) -> Result<Vec<(Model, Option<Role>)>, DbErr> {
    let users = Entity::find()
        .filter(Column::OrganisationId.eq(organisation_id))
        .filter(Column::Role.ne(Role::None.name()).or(Column::Id.in_subquery(members_of(workspace_id))))
        .filter(Column::Email.gt(after))
        .order_by_asc(Column::Email)
        .limit(limit)
        .all(db)
        .await?;
    let rows = memberships::Entity::find()
        .filter(memberships::Column::WorkspaceId.eq(workspace_id.as_str()))
        .filter(memberships::Column::UserId.is_in(users.iter().map(|user| user.id.clone())))
        .all(db)
        .await?;
    let narrower = |id: &str| rows.iter().find(|row| row.user_id == id).map(memberships::Model::role);
    let with_role = |user: Model| {
        let role = narrower(&user.id);
        (user, role)
    };
    Ok(users.into_iter().map(with_role).collect())
}

fn members_of(workspace_id: &WorkspaceId) -> SelectStatement {
    Query::select()
        .column(memberships::Column::UserId)
        .from(memberships::Entity)
        .and_where(memberships::Column::WorkspaceId.eq(workspace_id.as_str()))
        .take()
}

/// The role that was given to a user in one workspace, if one was.
pub async fn narrower_role(
    db: &impl ConnectionTrait,
    user_id: &str,
    workspace_id: &str,
) -> Result<Option<Role>, DbErr> {
    let row = memberships::Entity::find_by_id((user_id.to_owned(), workspace_id.to_owned())).one(db).await?;
    Ok(row.map(|row| row.role()))
}

/// The role that `user` has in one workspace: the narrower scope wins.
pub async fn role_in(db: &impl ConnectionTrait, user: &Model, workspace_id: &WorkspaceId) -> Result<Role, DbErr> {
    let narrower = narrower_role(db, &user.id, workspace_id.as_str()).await?;
    Ok(Role::effective(user.organisation_role(), narrower))
}

/// All workspaces in which a user has a role of its own, by id.
pub async fn memberships_of(db: &impl ConnectionTrait, user_id: &str) -> Result<Vec<(String, Role)>, DbErr> {
    let rows = memberships::Entity::find()
        .filter(memberships::Column::UserId.eq(user_id))
        .order_by_asc(memberships::Column::WorkspaceId)
        .all(db)
        .await?;
    Ok(rows.iter().map(|row| (row.workspace_id.clone(), row.role())).collect())
}

/// How many have the role Admin in an organisation.
pub async fn count_admins(db: &impl ConnectionTrait, organisation_id: &str) -> Result<u64, DbErr> {
    admins(organisation_id).count(db).await
}

/// How many have the role Admin in a workspace of an organisation, inherited or given there.
pub async fn count_admins_in(
    db: &impl ConnectionTrait,
    organisation_id: &str,
    workspace_id: &WorkspaceId,
) -> Result<u64, DbErr> {
    let inherited = admins(organisation_id).filter(Column::Id.not_in_subquery(members_of(workspace_id))).count(db);
    let given = memberships::Entity::find()
        .filter(memberships::Column::WorkspaceId.eq(workspace_id.as_str()))
        .filter(memberships::Column::Role.eq(Role::Admin.name()))
        .count(db);
    Ok(inherited.await? + given.await?)
}

/// A workspace of which nobody is Admin once the Admin of the organisation `leaving` is none: each of the `others` has a narrower role
/// there, and nobody was given the role there.
pub async fn find_left_without_admin(
    db: &impl ConnectionTrait,
    organisation_id: &str,
    leaving: &str,
    others: u64,
) -> Result<Option<String>, DbErr> {
    let staying = admins(organisation_id).filter(Column::Id.ne(leaving)).select_only().column(Column::Id).into_query();
    // Where he has a role of his own he is no Admin through the organisation.
    let kept = memberships::Entity::find()
        .filter(memberships::Column::Role.eq(Role::Admin.name()).or(memberships::Column::UserId.eq(leaving)))
        .select_only()
        .column(memberships::Column::WorkspaceId)
        .into_query();
    memberships::Entity::find()
        .select_only()
        .column(memberships::Column::WorkspaceId)
        .filter(memberships::Column::UserId.in_subquery(staying))
        .filter(memberships::Column::WorkspaceId.not_in_subquery(kept))
        .group_by(memberships::Column::WorkspaceId)
        .having(memberships::Column::UserId.count().eq(others as i64))
        .order_by_asc(memberships::Column::WorkspaceId)
        .limit(1)
        .into_tuple()
        .one(db)
        .await
}

fn admins(organisation_id: &str) -> Select<Entity> {
    Entity::find().filter(Column::OrganisationId.eq(organisation_id)).filter(Column::Role.eq(Role::Admin.name()))
}

/// Forgets everything about people that belongs to one workspace: roles there, invitations into it, and personal access
/// tokens that are limited to it, which would otherwise open a later workspace of the same name.
pub async fn forget_workspace(db: &impl ConnectionTrait, workspace_id: &str) -> Result<(), DbErr> {
    let (membership, invitation, pat) =
        (memberships::Column::WorkspaceId, invitations::Column::WorkspaceId, pats::Column::WorkspaceId);
    memberships::Entity::delete_many().filter(membership.eq(workspace_id)).exec(db).await?;
    invitations::Entity::delete_many().filter(invitation.eq(workspace_id)).exec(db).await?;
    pats::Entity::delete_many().filter(pat.eq(workspace_id)).exec(db).await?;
    Ok(())
}
