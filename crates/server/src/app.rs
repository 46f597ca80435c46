//! What every handler can reach.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use twinkey_embedded_broker::Clock;

use crate::{
    broker::{Broker, Reconciler},
    cut_off::CutOffs,
    db::Db,
    following::Following,
    keys::Keys,
    last_use::LastUses,
    lifecycle::Lifecycle,
    live::Streams,
    mail::Mail,
    messages::Room,
    metrics::Metrics,
    password::Passwords,
    random::Random,
    registry::Registry,
    replicas::Replicas,
    sign_in::{limits::Limits, oidc::Provider},
    usage::Usage,
    watches::Watches,
    webhooks::WebhookSettings,
};

/// The parts of a running server.
pub struct App {
    /// The database.
    pub db: Db,
    /// Keys derived from the master key.
    pub keys: Arc<Keys>,
    /// What valid SDK tokens mean.
    pub registry: Arc<Registry>,
    /// Who uses them.
    pub usage: Arc<Usage>,
    /// This server among others.
    pub replicas: Replicas,
    /// The broker that clients stream through.
    pub broker: Arc<dyn Broker>,
    /// Dead tokens on their way out.
    pub cut_offs: CutOffs,
    /// Workspaces on their way out.
    pub deletions: Following,
    /// Held by whoever makes a topic; a deletion waits for them: see [`crate::deletion::create_topic`].
    pub topic_creations: tokio::sync::RwLock<()>,
    /// The places of those who read messages.
    pub messages: Room,
    /// Brings the broker in line with the database.
    pub reconciler: Reconciler,
    /// Password hashing.
    pub passwords: Passwords,
    /// How often somebody may try to sign in.
    pub sign_in_limits: Limits,
    /// When credentials were used last, as far as that is not stored yet.
    pub last_uses: LastUses,
    /// Sends invitations, if the operator has set it up.
    pub mail: Option<Mail>,
    /// Where people can sign in as well, if the operator has set it up.
    pub oidc: Option<Provider>,
    /// How browsers and clients reach the API.
    pub public_url: String,
    /// Randomness.
    pub random: Random,
    /// When this server was started.
    pub started_at: Timestamp,
    /// Time.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
    /// Whether it is on its way out.
    pub lifecycle: Lifecycle,
    /// Where webhooks may point.
    pub webhooks: WebhookSettings,
    /// For how long after its last proof of the password a session is shown secrets; `None`: as long as it lasts.
    pub confirm_password_after: Option<Duration>,
    /// Pages that are kept up to date.
    pub streams: Streams,
    /// What they are told.
    pub watches: Watches,
    /// Held by the one verification of the audit log that may be under way.
    pub audit_verification: Arc<tokio::sync::Mutex<()>>,
    /// The organisation of this installation.
    pub organisation: crate::db::organisations::Model,
}

impl App {
    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }
}
