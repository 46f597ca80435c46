//! Who is asking: what a connection has proved about itself.

use std::net::SocketAddr;

use jiff::Timestamp;

use super::ConnectionInfo;
use crate::Scope;

/// What a client says about its own program in ApiVersions v3 and newer (KIP-511). Not proved, only shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Software {
    /// For example `librdkafka`.
    pub name: Option<String>,
    /// For example `2.6.1`.
    pub version: Option<String>,
}

/// An authenticated connection. It is made once, at sign-in, and never changes.
#[derive(Debug)]
pub(crate) struct Session {
    /// Unique among the connections of one running broker.
    pub connection_id: u64,
    /// The principal whose password was proved.
    pub principal: String,
    /// What the principal may touch.
    pub scope: Scope,
    /// Where the connection comes from.
    pub peer: SocketAddr,
    /// What the client says it is.
    pub software: Software,
    /// When the sign-in succeeded.
    pub since: Timestamp,
}

impl Session {
    /// The session as the owner of the broker sees it.
    pub(crate) fn info(&self, client_id: Option<String>) -> ConnectionInfo {
        ConnectionInfo {
            principal: self.principal.clone(),
            peer: self.peer,
            client_id,
            software_name: self.software.name.clone(),
            software_version: self.software.version.clone(),
            since: self.since,
        }
    }
}
