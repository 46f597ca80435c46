//! Which account somebody has for whom the provider vouches.

use futures::future::BoxFuture;
use sea_orm::ConnectionTrait;
use serde_json::json;
use twinkey_api::Role;

use super::{Identity, OidcSettings};
use crate::{
    app::App,
    audit::{self, Actor, Event},
    db,
    error::ApiError,
    routes::accept,
};

/// The account of an identity: the one that it is linked to, else the member with its verified address, else a new one for
/// somebody who is invited, or whom the settings let in. Nobody else gets one.
///
/// The provider proves whose the address is, but nobody has ever proved it here: the link of an invitation is shown to the inviter, who
/// can make the account himself and wait for the person in it. So an account with a password is linked only in a browser that is
/// signed in to it: `signed_in`, the id of its user.
pub fn find_or_make<'a>(
    app: &'a App,
    settings: &'a OidcSettings,
    identity: &'a Identity,
    signed_in: Option<&'a str>,
    address: &'a str,
) -> BoxFuture<'a, Result<db::users::Model, ApiError>> {
    // Boxed, because the compiler cannot tell by itself that it is `Send` whatever the lifetimes are.
    Box::pin(find_or_make_inner(app, settings, identity, signed_in, address))
}

async fn find_or_make_inner(
    app: &App,
    settings: &OidcSettings,
    identity: &Identity,
    signed_in: Option<&str>,
    address: &str,
) -> Result<db::users::Model, ApiError> {
    let key = (&*settings.issuer, &*identity.subject);
    if let Some(user) = db::identities::find_user(&*app.db, key).await? {
        return Ok(user);
    }
    let email = identity.verified_email.as_deref().ok_or(ApiError::NotInvited("an address that it has verified"))?;
    let (email, now) = (email.to_lowercase(), app.now());
    let transaction = app.db.write().await?;
    if let Some(user) = db::identities::find_user(&*transaction, key).await? {
        return Ok(user);
    }
    let actor =
        Actor { name: email.clone(), credential: format!("oidc:{}", identity.subject), address: address.to_owned() };
    let user = match db::users::find_by_email(&*transaction, &email).await? {
        Some(user) if user.password_hash.is_empty() || signed_in == Some(&*user.id) => Ok(user),
        Some(_) => Err(ApiError::LinkUnproved),
        None => make(app, &*transaction, settings, (&email, identity.name.as_deref()), &actor).await,
    }?;
    db::identities::insert(&*transaction, key, &user.id, now).await?;
    let detail = json!({"issuer": settings.issuer, "subject": identity.subject, "email": user.email});
    let event = Event { target: Some(&user.id), detail, ..Event::new("identity.linked") };
    audit::append(&*transaction, &actor, now, event).await?;
    transaction.commit().await?;
    Ok(user)
}

/// An account for somebody who is invited, or whom the settings let in.
async fn make(
    app: &App,
    transaction: &impl ConnectionTrait,
    settings: &OidcSettings,
    (email, name): (&str, Option<&str>),
    actor: &Actor,
) -> Result<db::users::Model, ApiError> {
    let now = app.now();
    let invitations = accept::open_for(app, transaction, email).await?;
    if invitations.is_empty() && settings.default_role.is_none() {
        return Err(ApiError::NotInvited("an account or an invitation for its address"));
    }
    let role = settings.default_role.unwrap_or(Role::None);
    let (id, organisation) = (app.random.id(), &app.organisation.id);
    let user = db::users::insert(transaction, &id, organisation, email, String::new(), role, now).await?;
    if let Some(Ok(name)) = name.map(crate::people::name) {
        db::users::set_name(transaction, &id, name).await?;
    }
    if invitations.is_empty() {
        let detail = json!({"email": email, "role": role});
        let event = Event { target: Some(&id), detail, ..Event::new("user.created") };
        audit::append(transaction, actor, now, event).await?;
    }
    for row in &invitations {
        accept::take(app, transaction, row, &id, actor, true).await?;
    }
    Ok(user)
}
