//! Who may sign in on the embedded broker, with every use counted.

use std::sync::Arc;

use twinkey_embedded_broker::{Clock, ConnectionInfo, KnownPrincipal, Meter, Principals};

use super::{Usage, identity::Seen};
use crate::registry::Registry;

/// The registry, with an eye on who asks.
pub struct SignIns {
    /// Who may.
    pub registry: Arc<Registry>,
    /// Where it is counted.
    pub usage: Arc<Usage>,
    /// Time.
    pub clock: Clock,
}

impl Principals for SignIns {
    fn find(&self, name: &str) -> Option<KnownPrincipal> {
        self.registry.find_principal(name)
    }

    /// Only a proof is a use: principals are no secrets, and whoever knows one could otherwise feign use of its token.
    fn signed_in(&self, name: &str) -> bool {
        let token = self.registry.find_by_principal(name);
        token.inspect(|token| token.touch((self.clock)())).is_some()
    }

    fn meter(&self, connection: &ConnectionInfo) -> Option<Arc<dyn Meter>> {
        let token = self.registry.find_by_principal(&connection.principal)?;
        let now = (self.clock)();
        let of = (token.id.as_str(), token.workspace_id.as_str());
        let client = self.usage.clients.find(of, Seen::connection(connection), now);
        client.count(0, 0, now);
        Some(client)
    }

    fn unknown(&self, attempt: ConnectionInfo) {
        self.usage.note_unknown(&attempt);
    }
}
