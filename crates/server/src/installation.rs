//! The installation as a whole, for its administrators: what runs where, and what they should look at.

use twinkey_api::{
    broker::BrokerStatus,
    master_key::MasterKeys,
    system::{AuditStatus, DatabaseStatus, HealthCheck, ReplicaStatus, SystemStatus},
};

use crate::{app::App, db, error::ApiError, rekeying, routes::broker};

/// The commit, if whoever builds the program says which.
const COMMIT: Option<&str> = option_env!("TWINKEY_COMMIT");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A look at everything.
pub async fn look(app: &App) -> Result<SystemStatus, ApiError> {
    let (kind, version) = db::product(&*app.db).await?;
    let database = DatabaseStatus { kind: kind.to_owned(), version, schema: db::schema::newest(&*app.db).await? };
    let broker = broker::look(app).await?;
    let replicas = replicas(app).await?;
    let master_key = rekeying::status(app).await?;
    let last = db::audit::last(&*app.db).await?;
    let signed = db::checkpoints::last(&*app.db).await?;
    let audit = AuditStatus {
        records: last.map_or(0, |last| last.sequence),
        last_checkpoint_at: signed.as_ref().map(|it| it.at),
        signed_records: signed.map_or(0, |it| it.sequence),
    };
    let health = vec![
        check("database", true, format!("{} {} answers", database.kind, database.version)),
        broker_health(&broker),
        cut_offs_health(&broker),
        replicas_health(app, &replicas),
        keys_health(&master_key),
        audit_health(app, &audit),
    ];
    Ok(SystemStatus {
        version: VERSION.to_owned(),
        commit: COMMIT.map(str::to_owned),
        started_at: app.started_at,
        at: db::timestamp(app.now().as_millisecond()),
        public_url: app.public_url.clone(),
        mail: app.mail.is_some(),
        database,
        broker,
        replicas,
        master_key,
        audit,
        health,
    })
}

fn check(name: &str, ok: bool, sentence: impl Into<String>) -> HealthCheck {
    HealthCheck { name: name.to_owned(), ok, sentence: sentence.into() }
}

async fn replicas(app: &App) -> Result<Vec<ReplicaStatus>, ApiError> {
    if !app.replicas.are_possible() {
        return Ok(vec![ReplicaStatus {
            id: app.replicas.id.clone(),
            name: app.replicas.name.clone(),
            version: VERSION.to_owned(),
            started_at: app.started_at,
            last_seen_at: db::timestamp(app.now().as_millisecond()),
            is_self: true,
        }]);
    }
    let rows = db::replicas::list(&*app.db).await?.into_iter().map(|row| ReplicaStatus {
        is_self: row.id == app.replicas.id,
        id: row.id,
        name: row.name,
        version: row.version,
        started_at: db::timestamp(row.started_at),
        last_seen_at: db::timestamp(row.seen_at),
    });
    Ok(rows.collect())
}

fn broker_health(broker: &BrokerStatus) -> HealthCheck {
    let fenced = broker.brokers.iter().filter(|node| node.fenced).count();
    let failed = broker.last_reconciliation.as_ref().and_then(|last| last.error.as_ref());
    match (&broker.error, failed) {
        (Some(error), _) => check("broker", false, format!("{} cannot be asked: {error}", broker.kind)),
        (None, Some(error)) => {
            check("broker", false, format!("The last comparison of database and broker failed: {error}"))
        }
        (None, None) if fenced > 0 => {
            let of = broker.brokers.len();
            check("broker", false, format!("{fenced} of {of} brokers are taken for dead by the cluster; look at them"))
        }
        (None, None) if broker.brokers.is_empty() => {
            check("broker", true, format!("The embedded broker serves {}", broker.address))
        }
        (None, None) => {
            check("broker", true, format!("{} answers, with {} brokers", broker.kind, broker.brokers.len()))
        }
    }
}

fn cut_offs_health(broker: &BrokerStatus) -> HealthCheck {
    match broker.open_cut_offs.len() {
        0 => check("cutOffs", true, "No broker serves a deactivated token"),
        open => {
            let sentence = format!(
                "{open} deactivated tokens may still be served by a broker that cannot be asked; Twinkey goes on by itself"
            );
            check("cutOffs", false, sentence)
        }
    }
}

fn replicas_health(app: &App, replicas: &[ReplicaStatus]) -> HealthCheck {
    if !app.replicas.trusts() {
        return check(
            "replicas",
            false,
            "This replica has not heard from the database lately, and asks it at each request",
        );
    }
    match replicas.len() {
        0 | 1 => check("replicas", true, "One server runs on this database"),
        count if replicas.iter().any(|it| it.version != VERSION) => {
            check("replicas", true, format!("{count} servers run on this database, of different versions"))
        }
        count => check("replicas", true, format!("{count} servers run on this database")),
    }
}

fn keys_health(keys: &MasterKeys) -> HealthCheck {
    if keys.previous.is_none() && keys.settled() {
        return check("masterKey", true, format!("Everything is under the master key {}", keys.key));
    }
    let left = keys.tokens.left + keys.webhooks.left;
    let used = keys.personal_access_tokens.left + keys.sessions.left;
    let sentence = match (left, used) {
        (0, 0) => {
            "The master key was changed, and nothing needs the previous one any more; leave it out at the next start"
                .into()
        }
        (0, used) => format!(
            "The master key is being changed; {used} personal access tokens and sessions have not been used since"
        ),
        (left, _) => {
            format!("The master key is being changed; {left} tokens and webhooks are still to be brought under it")
        }
    };
    check("masterKey", true, sentence)
}

fn audit_health(app: &App, audit: &AuditStatus) -> HealthCheck {
    if app.metrics.audit.broken.get() != 0 {
        return check("audit", false, "The audit log is not the one that was signed; verify it, and see docs/audit.md");
    }
    let sentence = match audit.last_checkpoint_at {
        Some(at) => format!("{} records; the first {} were signed at {at}", audit.records, audit.signed_records),
        None => format!("{} records; none is signed yet", audit.records),
    };
    check("audit", true, sentence)
}
