//! Taking a principal everything away, and asking every broker whether it has.
//!
//! The order of the steps, what the answer of a broker proves, and what remains possible, is argued and measured in
//! `docs/decisions/0006-order-of-a-cut-off-on-kafka.md`. In short: an administrative answer means "written", not "applied". A broker
//! applies quotas, then credentials, then rights, in the order of the log. Each broker answers a question for
//! rights from its own state. So once it shows no rights, it has applied the rest too, and refuses whatever is sent from then on.

use std::time::Duration;

use futures::future::{join_all, try_join_all};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::{
    Cluster, Error,
    acls::{self, found},
    answer::judge,
    cluster::BrokerInfo,
    link::Link,
    quotas, scram,
};

/// Between two questions to a broker.
const POLL: Duration = Duration::from_millis(4);
/// After a failed attempt.
const PAUSE: Duration = Duration::from_millis(50);
/// An order that is not answered within this is given again, to another broker: each of them may be repeated.
const ATTEMPT: Duration = Duration::from_secs(1);

/// What is known of one broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It says itself that the principal has no rights.
    Gone,
    /// Nobody listens at its address, so nobody is served. A broker that starts catches up before it opens its port.
    PortClosed,
    /// It may still serve the principal.
    Open {
        /// Why that is not known better.
        reason: String,
    },
}

/// One broker and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerProof {
    /// Which one.
    pub broker: BrokerInfo,
    /// What is known.
    pub proof: Proof,
}

/// How far a cut-off has come. The orders have been carried out; this is what the brokers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// Every registered broker.
    pub brokers: Vec<BrokerProof>,
}

impl CutOff {
    /// Whether no broker serves the principal any more.
    pub fn is_proved(&self) -> bool {
        self.open().next().is_none()
    }

    /// The brokers that may still serve it, and why that is not known better.
    pub fn open(&self) -> impl Iterator<Item = (&BrokerInfo, &str)> {
        self.brokers.iter().filter_map(|entry| match &entry.proof {
            Proof::Open { reason } => Some((&entry.broker, reason.as_str())),
            Proof::Gone | Proof::PortClosed => None,
        })
    }
}

impl Cluster {
    /// Cuts `name` off and answers within `bound`, with what each broker has shown by then.
    ///
    /// An error means that the cluster did not take the orders in time, and nothing is proved. Calling it again, after an error
    /// or with brokers still open, goes on where it was: every step may be repeated.
    pub async fn cut_off(&self, name: &str, bound: Duration) -> Result<CutOff, Error> {
        let deadline = Instant::now() + bound;
        let late = |_| Error::Late { what: format!("Kafka did not take the orders that cut {name} off"), bound };
        timeout_at(deadline, self.take_everything(name)).await.map_err(late)??;
        Ok(self.prove(name, deadline).await)
    }

    /// Asks every registered broker whether `name` has no rights there, without giving any order.
    pub async fn prove(&self, name: &str, deadline: Instant) -> CutOff {
        let mut proofs: Vec<BrokerProof> = Vec::new();
        let mut source: Option<std::sync::Arc<Link>> = None;
        loop {
            // Read anew from a broker that has proved it: its list is at least as new as the end of the rights. A broker
            // that registers later opens its port only when it has caught up with that.
            let listed = match &source {
                None => timeout_at(deadline, self.describe()).await,
                Some(link) => {
                    let list = async {
                        let mut connection = link.ready().await?;
                        let description = self.describe_on(link, &mut connection).await?;
                        link.rest(connection);
                        Ok(description)
                    };
                    timeout_at(deadline, list).await
                }
            };
            let Ok(Ok(description)) = listed else {
                return unlisted(proofs);
            };
            proofs.retain(|entry| description.brokers.iter().any(|broker| same(broker, &entry.broker)));
            let fresh = description
                .brokers
                .into_iter()
                .filter(|broker| !proofs.iter().any(|entry| same(broker, &entry.broker) && entry.proof == Proof::Gone));
            let asked = fresh.map(|broker| async {
                let proof = rights_are_gone(&self.link(&broker.address), name, deadline).await;
                BrokerProof { broker, proof }
            });
            let asked = join_all(asked).await;
            let open = asked.iter().any(|entry| matches!(entry.proof, Proof::Open { .. }));
            let news = asked.iter().any(|entry| entry.proof == Proof::Gone);
            proofs.retain(|entry| !asked.iter().any(|new| same(&new.broker, &entry.broker)));
            proofs.extend(asked);
            let witness = proofs.iter().find(|entry| entry.proof == Proof::Gone);
            source = witness.map(|entry| self.link(&entry.broker.address));
            // The last round has found nobody new: the list is complete.
            if open || !news || source.is_none() {
                proofs.sort_by_key(|entry| entry.broker.id);
                return CutOff { brokers: proofs };
            }
        }
    }

    async fn take_everything(&self, name: &str) -> Result<(), Error> {
        let credentials = try_join_all(scram::MECHANISMS.map(|mechanism| self.overwrite(name, mechanism)));
        futures::try_join!(credentials, self.starve(name))?;
        self.take_rights(name).await
    }

    async fn overwrite(&self, name: &str, mechanism: crate::Mechanism) -> Result<(), Error> {
        const WHAT: &str = "overwrite the credentials of a dead token";
        let request = scram::request(vec![scram::unknown(name, mechanism)]);
        self.insist(|| async {
            let (answer, address) = self.order(WHAT, &request, 0..=0).await?;
            scram::judge_all(&answer, WHAT, &address)
        })
        .await
    }

    /// A fetch that waits at a broker survives the loss of all rights; with this quota it comes back empty.
    async fn starve(&self, name: &str) -> Result<(), Error> {
        const WHAT: &str = "set the quota of a dead token";
        let request = quotas::request(vec![quotas::entry(name, quotas::FETCH, Some(1.0))]);
        self.insist(|| async {
            let (answer, address) = self.order(WHAT, &request, 0..=1).await?;
            quotas::judge_all(&answer, WHAT, &address)
        })
        .await
    }

    async fn take_rights(&self, name: &str) -> Result<(), Error> {
        const WHAT: &str = "delete the rights of a dead token";
        let request = acls::delete_request(vec![acls::all_of(name)]);
        self.insist(|| async {
            let (answer, address) = self.order(WHAT, &request, 1..=2).await?;
            answer.filter_results.iter().try_for_each(|result| {
                judge(result.error_code, result.error_message.as_deref(), WHAT, &address, true)?;
                let mut matching = result.matching_acls.iter();
                matching.try_for_each(|acl| judge(acl.error_code, acl.error_message.as_deref(), WHAT, &address, true))
            })
        })
        .await
    }

    /// Gives an order until it is answered. Only for what may be repeated, and may arrive late, without harm; the caller
    /// bounds the time.
    async fn insist<F: Future<Output = Result<(), Error>>>(&self, mut attempt: impl FnMut() -> F) -> Result<(), Error> {
        loop {
            match timeout(ATTEMPT, attempt()).await {
                Ok(Err(error)) if error.is_temporary() || error.is_unknown_outcome() => sleep(PAUSE).await,
                Ok(result) => return result,
                // Whoever was asked keeps silent: not the first choice for the next attempt.
                Err(_) => self.avoid_favourite(),
            }
        }
    }
}

/// Whether two entries name the same broker at the same place.
fn same(left: &BrokerInfo, right: &BrokerInfo) -> bool {
    left.id == right.id && left.address == right.address
}

/// The list of brokers could not be read: nothing is proved, whatever single brokers have shown.
fn unlisted(mut proofs: Vec<BrokerProof>) -> CutOff {
    let reason = "the list of brokers could not be read in time".to_owned();
    if proofs.is_empty() {
        let address = crate::Address { host: "(unknown)".to_owned(), port: 0 };
        let broker = BrokerInfo { id: -1, address, fenced: false };
        proofs.push(BrokerProof { broker, proof: Proof::Open { reason: reason.clone() } });
    }
    for entry in &mut proofs {
        entry.proof = Proof::Open { reason: reason.clone() };
    }
    CutOff { brokers: proofs }
}

/// Asks one broker until it shows no rights or the time is over.
async fn rights_are_gone(link: &Link, name: &str, deadline: Instant) -> Proof {
    let request = acls::describe_request(Some(name), None);
    let mut seen = "no answer in time".to_owned();
    let asking = async {
        loop {
            let answer = link.ask("read the access rights", &request, 1..=2).await;
            let shown = answer.and_then(|answer| Ok(found(&answer, &link.address)?.count()));
            match shown {
                Ok(0) => return Proof::Gone,
                Ok(count) => {
                    seen = format!("it still shows {count} rights");
                    sleep(POLL).await;
                }
                Err(Error::Unreachable { port_closed: true, .. }) => return Proof::PortClosed,
                Err(error) => {
                    seen = error.to_string();
                    sleep(PAUSE).await;
                }
            }
        }
    };
    match timeout_at(deadline, asking).await {
        Ok(proof) => proof,
        Err(_) => Proof::Open { reason: seen },
    }
}
