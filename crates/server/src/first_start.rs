//! The first start on a data directory: an organisation, a workspace, an administrator.

use jiff::Timestamp;
use rand::{RngExt, distr::Alphanumeric};
use serde_json::json;
use twinkey_api::{Role, WorkspaceId};
use zeroize::Zeroizing;

use crate::{
    audit::{self, Actor, Event},
    db::{self, Db},
    keys::Keys,
    password::Passwords,
    random::Random,
    start::{Config, StartError},
    tokens,
};

/// What the first start made, to be shown once.
pub struct FirstStart {
    /// The administrator's address.
    pub admin_email: String,
    /// The password, if it was generated.
    pub admin_password: Option<Zeroizing<String>>,
}

/// Makes the organisation, the workspace and the administrator, all or nothing, unless they exist.
pub async fn make(
    db: &Db,
    config: &Config,
    (keys, random): (&Keys, &Random),
    passwords: &Passwords,
    now: Timestamp,
) -> Result<(db::organisations::Model, Option<FirstStart>), StartError> {
    ensure_installation(db, random, now).await?;
    if let Some(organisation) = db::organisations::find(&**db).await? {
        return Ok((organisation, None));
    }
    let workspace = WorkspaceId::parse(&config.workspace)?;
    let generated = config.admin_password.is_none().then(|| {
        let characters = random.with(|rng| (0..20).map(|_| char::from(rng.sample(Alphanumeric))).collect::<String>());
        Zeroizing::new(characters)
    });
    let password = config.admin_password.clone().or_else(|| generated.clone()).unwrap_or_default();
    let password_hash = passwords.hash(password, random).await;

    let (actor, organisation_id) = (Actor::system(), config.organisation.clone());
    let transaction = db.write().await?;
    // Another server may have been first, on a database for several.
    if let Some(organisation) = db::organisations::find(&*transaction).await? {
        return Ok((organisation, None));
    }
    db::organisations::insert(&*transaction, &organisation_id, &config.organisation, now).await?;
    let admin = (random.id(), &config.admin_email);
    db::users::insert(&*transaction, &admin.0, &organisation_id, admin.1, password_hash, Role::Admin, now).await?;
    let event = Event {
        target: Some(&admin.0),
        detail: json!({"email": admin.1, "role": "Admin"}),
        ..Event::new("user.created")
    };
    audit::append(&*transaction, &actor, now, event).await?;
    let named = (&workspace, workspace.as_str());
    // On a cluster it becomes usable when its principals are there.
    let prepared = config.kafka.is_some();
    tokens::insert_workspace(&*transaction, (keys, random), &actor, &organisation_id, named, prepared, now).await?;
    transaction.commit().await?;
    let organisation = db::organisations::find(&**db).await?;
    let organisation = organisation.ok_or_else(|| sea_orm::DbErr::Custom("the first start left nothing".into()))?;
    let first_start = FirstStart { admin_email: config.admin_email.clone(), admin_password: generated };
    Ok((organisation, Some(first_start)))
}

/// A database from before installations had a row of their own gets one as well.
async fn ensure_installation(db: &Db, random: &Random, now: Timestamp) -> Result<(), StartError> {
    if db::installation::find(&**db).await?.is_none() {
        let transaction = db.write().await?;
        db::installation::find_or_insert(&*transaction, random.id(), now).await?;
        transaction.commit().await?;
    }
    Ok(())
}
