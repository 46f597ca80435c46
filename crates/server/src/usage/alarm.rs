//! Somebody uses a token that is dead: a program that was not restarted, or whoever the token leaked to.
//!
//! Recorded with who and from where, at a rate that nobody can push up: once for each client, again after [`AGAIN`], and no more
//! than [`ALARMS_MAX`] for each token in that time. Everything is counted all the same.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::json;
use twinkey_api::{usage::Via, webhook::WebhookEvent};

use crate::{
    audit::{self, Actor, Event},
    db::{self, token_clients},
    webhooks,
};

/// How long a client that raised an alarm raises no other one.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// How many alarms one token raises in that time.
const ALARMS_MAX: u64 = 20;

/// Records, in the transaction that stores the refused uses, those that nobody has been told of; says how many that are.
pub async fn raise(
    transaction: &impl ConnectionTrait,
    refused: &[(String, String)],
    now: Timestamp,
) -> Result<u64, DbErr> {
    if refused.is_empty() {
        return Ok(0);
    }
    let recently = (now - AGAIN).as_millisecond();
    let mut raised = 0;
    let mut of_token: HashMap<&str, u64> = HashMap::new();
    for token_id in refused.iter().map(|(token_id, _)| token_id.as_str()).collect::<BTreeSet<_>>() {
        of_token.insert(token_id, token_clients::alarms_after(transaction, token_id, recently).await?);
    }
    for client in token_clients::find_each(transaction, refused).await? {
        let Some(alarms) = of_token.get_mut(client.token_id.as_str()) else { continue };
        if client.alarmed_at > recently || *alarms >= ALARMS_MAX {
            continue;
        }
        *alarms += 1;
        record(transaction, &client, now).await?;
        let key = (client.token_id.as_str(), client.client.as_str());
        token_clients::set_alarmed(transaction, key, now.as_millisecond()).await?;
        raised += 1;
    }
    Ok(raised)
}

async fn record(
    transaction: &impl ConnectionTrait,
    client: &token_clients::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    // On the API the token itself was shown. On the broker a password cannot be checked any more, so that anybody who knows
    // the principal's name, which is no secret, may have been the one.
    let proved = client.via == Via::Api.name();
    // Nobody was authenticated: the token is what is known of whoever it was.
    let actor = Actor {
        name: "unknown".into(),
        credential: format!("sdk:{}", client.token_id),
        address: if client.address.is_empty() { "several".into() } else { client.address.clone() },
    };
    let mut detail = json!({
        "via": client.via,
        "proved": proved,
        "agent": client.agent,
        "software": client.software,
        "attempts": client.refused,
        "lastAttemptAt": db::timestamp(client.refused_at),
    });
    let (token, address) = (&client.token_id, &actor.address);
    if let Some(deleted) = db::deleted_tokens::list_of_ids(transaction, &[token]).await?.into_iter().next() {
        detail["deletedAt"] = json!(db::timestamp(deleted.deleted_at));
        let workspace_id = deleted.workspace_id;
        tracing::warn!(token, workspace_id, address, "somebody uses a token of a deleted workspace");
        let event = Event {
            action: "token.used_after_deletion",
            workspace_id: Some(&workspace_id),
            target: Some(token),
            detail,
        };
        // No webhook: those that listened ended with the workspace, and another one of its id has others.
        return audit::append(transaction, &actor, now, event).await;
    }
    let row = db::tokens::find_by_id(transaction, token).await?;
    detail["deactivatedAt"] = json!(row.as_ref().and_then(|it| it.deactivated_at).map(db::timestamp));
    // The row's: while its workspace is being deleted, the client is counted as one of no workspace.
    let workspace_id = row.as_ref().map_or(&client.workspace_id, |it| &it.workspace_id);
    tracing::warn!(token, workspace_id, address, "somebody uses a deactivated token");
    let event = Event {
        action: "token.used_after_deactivation",
        workspace_id: Some(workspace_id),
        target: Some(token),
        detail: detail.clone(),
    };
    detail["workspaceId"] = json!(workspace_id);
    detail["token"] = json!(token);
    detail["address"] = json!(address);
    let told = WebhookEvent::TokenUsedAfterDeactivation;
    webhooks::enqueue(transaction, now, told, workspace_id, &detail).await?;
    audit::append(transaction, &actor, now, event).await
}
