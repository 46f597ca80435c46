//! The broker, for administrators: what it is, what the reconciler found, what is still open.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use serde_json::json;
use tokio::time::timeout;
use twinkey_api::{
    broker::{BrokerNode, BrokerStatus, OpenCutOff, Prune, Pruned, Reconciliation},
    error::ErrorBody,
};

use super::to_its_end;
use crate::{
    app::App,
    audit::{self, Event},
    broker::{BrokerError, reconciler},
    cut_off, db,
    error::ApiError,
    extract::{Body, InOrganisation, workspace::Admin},
    replicas::leader::Fence,
};

/// How long the cluster may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// Names that are shown.
const NAMES_MAX: usize = 1000;

/// What the broker is, how the last reconciliation went, and what is still open
#[utoipa::path(
    get, path = "/broker/status", tag = "system",
    responses((status = 200, body = BrokerStatus), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn status(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Admin>,
) -> Result<Json<BrokerStatus>, ApiError> {
    look(&app).await.map(Json)
}

/// What the broker is at this moment.
pub async fn look(app: &App) -> Result<BrokerStatus, ApiError> {
    let mut open_cut_offs = Vec::new();
    for row in db::principals::list_open(&*app.db).await? {
        let workspace_id = row.workspace_id.clone();
        for token in cut_off::describe(vec![row]) {
            let twinkey_api::token_pair::CuttingOff { id, deactivated_at, open } = token;
            open_cut_offs.push(OpenCutOff { workspace_id: workspace_id.clone(), id, deactivated_at, open });
        }
    }
    let mut status = BrokerStatus {
        kind: app.broker.kind().to_owned(),
        address: app.broker.endpoint().address.clone(),
        cluster_id: None,
        brokers: Vec::new(),
        error: None,
        last_reconciliation: app.reconciler.last(),
        open_cut_offs,
        names_without_rights: app.reconciler.names_without_rights().into_iter().take(NAMES_MAX).collect(),
    };
    if let Some(kafka) = app.broker.kafka() {
        match timeout(PATIENCE, kafka.cluster.describe()).await {
            Ok(Ok(cluster)) => {
                let node = |broker: twinkey_kafka_admin::cluster::BrokerInfo| BrokerNode {
                    id: broker.id,
                    address: broker.address.to_string(),
                    fenced: broker.fenced,
                };
                status.brokers = cluster.brokers.into_iter().map(node).collect();
                status.cluster_id = Some(cluster.id);
            }
            Ok(Err(error)) => status.error = Some(error.to_string()),
            Err(_) => status.error = Some(format!("Kafka did not answer within {} seconds", PATIENCE.as_secs())),
        }
    }
    Ok(status)
}

/// Compare database and broker now, and mend what differs
#[utoipa::path(
    post, path = "/broker/reconcile", tag = "system",
    responses((status = 200, body = Reconciliation), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn reconcile(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Admin>,
) -> Result<Json<Reconciliation>, ApiError> {
    to_its_end(&app.clone(), async move { Ok(reconciler::reconcile(&app, &Fence::unleased()).await) }).await.map(Json)
}

/// Delete the credentials of names that have no rights any more
///
/// Never needed, and not without risk: Kafka 3.9 to 4.3 may forget all credentials of a mechanism at the next restart of a broker
/// after one was deleted (docs/kafka.md). Names without rights harm nobody.
#[utoipa::path(
    post, path = "/broker/prune", tag = "system", request_body = Prune,
    responses((status = 200, body = Pruned), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn prune(
    State(app): State<Arc<App>>,
    access: InOrganisation<Admin>,
    Body(body): Body<Prune>,
) -> Result<Json<Pruned>, ApiError> {
    if !body.i_know_the_risk {
        return Err(ApiError::bad_request(
            "RiskNotConfirmed",
            "iKnowTheRisk must be true; docs/kafka.md says which risk",
        ));
    }
    to_its_end(&app.clone(), async move {
        // What is wanted and what is not is looked at anew: a list from before may be of another time.
        let seen = reconciler::reconcile(&app, &Fence::unleased()).await;
        let Some(kafka) = app.broker.kafka() else { return Ok(Pruned { names: Vec::new() }) };
        if let Some(error) = seen.error {
            return Err(ApiError::BrokerUnavailable(error));
        }
        let mut names = app.reconciler.names_without_rights();
        let transaction = app.db.write().await?;
        let event = Event { detail: json!({"names": names}), ..Event::new("broker.pruned") };
        audit::append(&*transaction, &access.user.actor(), app.now(), event).await?;
        transaction.commit().await?;
        let kept = kafka.cluster.prune(&names).await.map_err(|error| ApiError::from(BrokerError::from(error)))?;
        names.retain(|name| !kept.contains(name));
        Ok(Pruned { names })
    })
    .await
    .map(Json)
}
