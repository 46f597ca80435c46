//! What the tests share: a cluster's administrator, principals, and clients that speak as them.

use std::{sync::Arc, time::Duration};

use twinkey_kafka_admin::{
    Account, Address, Cluster, Mechanism, Password, SaslMechanism, Settings, Trust, principals::Principal,
};
use twinkey_kafka_wire::{
    client::{Client, ClientError},
    tls,
};
use twinkey_testbed::kafka::Kafka;

/// A bound for things that take milliseconds when all is well.
pub const SOON: Duration = Duration::from_secs(20);

pub fn settings(kafka: &Kafka) -> Settings {
    let account = Account {
        user: kafka.user().to_owned(),
        password: Password::new(kafka.password()),
        mechanism: SaslMechanism::Scram(Mechanism::Sha512),
    };
    let trust = Trust::authorities(kafka.authorities()).unwrap();
    Settings::new(Address::list(kafka.bootstrap()).unwrap(), account, trust)
}

pub fn admin(kafka: &Kafka) -> Cluster {
    Cluster::new(settings(kafka))
}

/// A name that no other test uses.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}{:012x}", rand::random::<u64>() & 0xffff_ffff_ffff)
}

pub fn principal(workspace: &str) -> Principal {
    Principal { name: unique("tk-"), password: Password::new("secret of a token"), workspace: workspace.to_owned() }
}

/// A connection to one node, signed in as the principal with the password that [`principal`] gives.
pub async fn client(kafka: &Kafka, node: usize, user: &str, mechanism: Mechanism) -> Result<Client, ClientError> {
    let address = kafka.address(node);
    let tls: Arc<_> = tls::client_config(kafka.authorities()).unwrap();
    let mut client = Client::connect(address, "localhost", tls).await?;
    client.sign_in(SaslMechanism::Scram(mechanism), user, "secret of a token").await?;
    Ok(client)
}
