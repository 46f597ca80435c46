//! A broker without a socket, for tests of handlers.

use std::{path::Path, sync::Arc};

use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_util::sync::CancellationToken;

use super::Context;
use crate::{
    BrokerConfig, KnownPrincipal, Limits, Principals, Scope, Software,
    broker::Shared,
    clock::Clock,
    connection::{Credentials, Session},
    groups::GroupCoordinator,
    topics::Catalogue,
};

/// Nobody signs in: contexts are made directly.
#[derive(Debug)]
struct Nobody;

impl Principals for Nobody {
    fn find(&self, _: &str) -> Option<KnownPrincipal> {
        None
    }
}

impl ResolvesServerCert for Nobody {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// The broker whose data lies in `dir`.
pub(crate) fn shared(dir: &Path, clock: &Clock) -> Arc<Shared> {
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Nobody));
    Arc::new(Shared {
        config: BrokerConfig {
            data_dir: dir.to_owned(),
            advertised_host: "localhost".to_owned(),
            advertised_port: 9092,
            tls: Arc::new(tls),
            cluster_id: "test".to_owned(),
            auto_create_topics: true,
            limits: Limits::default(),
        },
        advertised_port: 9092,
        clock: Arc::clone(clock),
        topics: Catalogue::open(dir, Arc::clone(clock)).unwrap(),
        groups: GroupCoordinator::open(dir, Arc::clone(clock)).unwrap(),
        principals: Arc::new(Nobody),
        credentials: Credentials::new(),
        connections: Arc::default(),
        stopping: CancellationToken::new(),
    })
}

/// Someone of a workspace, on that broker.
pub(crate) fn context(broker: &Arc<Shared>, workspace: &str) -> Context {
    let session = Session {
        connection_id: 1,
        principal: format!("{workspace}-principal"),
        scope: Scope::of_workspace(workspace),
        peer: ([127, 0, 0, 1], 1).into(),
        software: Software::default(),
        since: (broker.clock)(),
    };
    Context { broker: Arc::clone(broker), session: Arc::new(session), client_id: None }
}
