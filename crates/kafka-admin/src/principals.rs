//! Making principals: a SCRAM user, its ten rights, and the certainty that the brokers know of both.

use std::sync::Arc;

use futures::{
    StreamExt,
    future::{join_all, try_join_all},
};
use tokio::time::{Instant, timeout_at};

use crate::{
    Cluster, Error, Password,
    acls::{self, Acl},
    answer::judge,
    barrier::{self, rights_of},
    cluster::{BrokerInfo, Description},
    link::Link,
    quotas, scram,
};

/// So many principals go into one request; more would hold the controller up for others.
pub const BATCH: usize = 100;
/// Batches under way at the same time.
const AT_ONCE: usize = 3;

/// The broker's user for one token.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Kafka's user name.
    pub name: String,
    /// Its password.
    pub password: Password,
    /// The workspace: the rights cover everything that begins with this and a dash.
    pub workspace: String,
    /// Whether it may use any transactional id as well: see [`acls::any_transactional_id`].
    pub any_transactional_id: bool,
}

/// Principals that are in place.
#[derive(Debug, Clone, Default)]
pub struct Granted {
    /// Brokers that did not show the rights in time: they will, but may refuse the token for a while.
    pub silent: Vec<SilentBroker>,
}

/// A broker that was passed by.
#[derive(Debug, Clone)]
pub struct SilentBroker {
    /// Which one.
    pub broker: BrokerInfo,
    /// What was seen instead.
    pub reason: String,
}

impl Cluster {
    /// Makes principals under names that were never used: both credentials, the ten rights. Returns when every broker that
    /// answers shows them; a broker that does not within `settle` is named and does not stop it. What has rights already is for
    /// [`Cluster::ensure_principals`] to mend, which takes twice as many orders. Errors are the same.
    pub async fn make_principals(&self, principals: &[Principal]) -> Result<Granted, Error> {
        let description = self.order_principals(principals).await?;
        Ok(self.shown(description, principals).await)
    }

    /// The orders of [`Cluster::make_principals`], which a broker forwards to the controller one at a time, whoever gives them.
    /// At most [`BATCH`] principals. To be followed by [`Cluster::shown`].
    pub async fn order_principals(&self, batch: &[Principal]) -> Result<Description, Error> {
        let (description, ()) = futures::try_join!(self.describe(), self.write_credentials(batch))?;
        self.grant(batch).await?;
        Ok(description)
    }

    /// Waits until every broker shows the rights of the last of these new principals. They were ordered last and brokers apply
    /// in the order of the log, so that they prove all that was written before.
    pub async fn shown(&self, description: Description, batch: &[Principal]) -> Granted {
        let Some(last) = batch.last() else { return Granted::default() };
        self.settled(description, &last.name, last.rights().count()).await
    }

    /// Makes principals, or mends them: both credentials, no quota of a cut-off, the ten rights. Returns when every broker
    /// that answers shows the rights of all of them; a broker that does not within `settle` is named and does not stop it.
    /// The credentials are written before the rights, and brokers apply in the order of the log, so that the rights prove them.
    ///
    /// After [`Error::UnknownOutcome`] the grant may yet be carried out, at any later time (a paused broker that goes on
    /// forwards what it has received). A name to which that happened must not be used: cut it off later, and take another.
    pub async fn ensure_principals(&self, principals: &[Principal]) -> Result<Granted, Error> {
        // Keys of one batch are derived while another one is being written.
        // A closure that is kept across an await would have to fit every lifetime.
        let batches: Vec<_> = principals.chunks(BATCH).map(|batch| self.ensure_batch(batch)).collect();
        let mut batches = futures::stream::iter(batches).buffered(AT_ONCE);
        let mut granted = Granted::default();
        while let Some(batch) = batches.next().await {
            granted = batch?;
        }
        Ok(granted)
    }

    async fn ensure_batch(&self, batch: &[Principal]) -> Result<Granted, Error> {
        let mark = barrier::draw(&batch[0].name);
        let (description, ()) = futures::try_join!(self.order_principals(batch), self.lift_quotas(batch))?;
        self.patiently(|| self.set_mark(&mark)).await?;
        let granted = self.settled(description, &mark, 1).await;
        self.sweep_mark(&mark);
        Ok(granted)
    }

    /// Waits until every broker shows so many rights of a user.
    async fn settled(&self, description: Description, user: &str, wanted: usize) -> Granted {
        let deadline = Instant::now() + self.settings().timeouts.settle;
        let settled = description.brokers.into_iter().map(|broker| async {
            let link = self.link(&broker.address);
            Some(SilentBroker { reason: shows(&link, user, wanted, deadline).await.err()?, broker })
        });
        Granted { silent: join_all(settled).await.into_iter().flatten().collect() }
    }

    async fn write_credentials(&self, batch: &[Principal]) -> Result<(), Error> {
        const WHAT: &str = "write the credentials of a token";
        let iterations = self.settings().iterations;
        let users: Arc<[_]> =
            batch.iter().map(|principal| (principal.name.clone(), principal.password.clone())).collect();
        try_join_all(scram::MECHANISMS.map(|mechanism| {
            let users = users.clone();
            async move {
                let derive = move || {
                    let all = users.iter();
                    all.map(|(user, password)| scram::derive(user, password.expose(), mechanism, iterations)).collect()
                };
                let credentials = tokio::task::spawn_blocking(derive).await.expect("key derivation does not panic");
                let request = scram::request(credentials);
                self.patiently(|| async {
                    let (answer, address) = self.order(WHAT, &request, 0..=0).await?;
                    scram::judge_all(&answer, WHAT, &address)
                })
                .await
            }
        }))
        .await?;
        Ok(())
    }

    /// A principal that was cut off and is wanted again (after a restored backup, say) would get no data otherwise.
    async fn lift_quotas(&self, batch: &[Principal]) -> Result<(), Error> {
        const WHAT: &str = "lift the quotas of a token";
        let entries = batch.iter().map(|principal| quotas::entry(&principal.name, quotas::FETCH, None)).collect();
        let request = quotas::request(entries);
        self.patiently(|| async {
            let (answer, address) = self.order(WHAT, &request, 0..=1).await?;
            quotas::judge_all(&answer, WHAT, &address)
        })
        .await
    }

    async fn grant(&self, batch: &[Principal]) -> Result<(), Error> {
        const WHAT: &str = "grant a token its rights";
        let creations = batch.iter().flat_map(|principal| {
            principal.rights().map(|acl| acls::creation(&principal.name, &acl)).collect::<Vec<_>>()
        });
        let request = acls::create_request(creations.collect());
        self.patiently(|| async {
            let (answer, address) = self.order(WHAT, &request, 1..=2).await?;
            answer
                .results
                .iter()
                .try_for_each(|result| judge(result.error_code, result.error_message.as_deref(), WHAT, &address, true))
        })
        .await
    }
}

impl Principal {
    /// What it may do.
    fn rights(&self) -> impl Iterator<Item = Acl> {
        let own: Vec<_> = acls::rights(&format!("{}-", self.workspace)).collect();
        let any = self.any_transactional_id.then(acls::any_transactional_id);
        own.into_iter().chain(any.into_iter().flatten())
    }
}

/// Waits until the broker shows that many rights of a user, or says why it does not.
async fn shows(link: &Link, user: &str, wanted: usize, deadline: Instant) -> Result<(), String> {
    let mut seen = "no answer in time".to_owned();
    let asking = async {
        loop {
            let asked = Instant::now();
            let shown = rights_of(link, user).await.map_err(|error| error.to_string())?;
            if shown >= wanted {
                return Ok(());
            }
            seen = format!("it does not show the new rights yet ({shown} of {wanted})");
            barrier::rest(asked).await;
        }
    };
    match timeout_at(deadline, asking).await {
        Ok(result) => result,
        Err(_) => Err(seen),
    }
}
