//! What a handler may use.

use std::sync::Arc;

use crate::{broker::Shared, connection::Session};

/// The broker's parts and who is asking; made for each request.
pub(crate) struct Context {
    /// The parts of the running broker.
    pub broker: Arc<Shared>,
    /// Who is asking.
    pub session: Arc<Session>,
    /// The `client.id` of this request, if it has one.
    pub client_id: Option<String>,
}
