//! Taking a principal everything away, and asking every broker whether it has.
//!
//! The order of the steps, what a broker's answer proves, and what remains possible, is argued and measured in
//! `docs/decisions/0006-order-of-a-cut-off-on-kafka.md`. In short: an administrative answer means "written", not "applied". A broker
//! applies what is written in the order of the log (of one batch: quotas, then credentials, then rights), and
//! answers a question for rights from its own state. So the last order of a cut-off makes a mark: a right of no use, for a
//! user that nobody can be. A broker that shows the mark has applied all that came before.
//!
//! That it shows no right of the principal would prove less. It may have been paused since before the principal was made, and would
//! then replay its whole life; or somebody else took the rights away before, and the quota is not applied yet.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::{join_all, try_join_all};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::{
    Address, Cluster, Error, Mechanism, acls,
    answer::judge,
    barrier::{self, rights_of},
    cluster::BrokerInfo,
    link::Link,
    quotas, scram,
};

/// After a failed attempt.
const PAUSE: Duration = Duration::from_millis(50);
/// An order that is not answered within this is given again, to another broker: each of them may be repeated.
const ATTEMPT: Duration = Duration::from_secs(1);

/// What is known of one broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It says itself that it has applied the end of the principal's rights, and with it all that came before.
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
    name: String,
    /// Who got a right for the purpose after all else: a broker that shows it has applied the cut-off.
    mark: String,
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

    /// The list of brokers could not be read: nothing is proved, whatever single brokers have shown.
    fn unlisted(mut self) -> Self {
        let reason = "the list of brokers could not be read in time".to_owned();
        if self.brokers.is_empty() {
            let address = Address { host: "(unknown)".to_owned(), port: 0 };
            let broker = BrokerInfo { id: -1, address, fenced: false };
            self.brokers.push(BrokerProof { broker, proof: Proof::Open { reason: reason.clone() } });
        }
        for entry in &mut self.brokers {
            entry.proof = Proof::Open { reason: reason.clone() };
        }
        self
    }
}

impl Cluster {
    /// Cuts `name` off and answers within `bound`, with what each broker has shown by then.
    ///
    /// An error means that the cluster did not take the orders in time, and nothing is proved. Calling it again, after an error
    /// or with brokers still open, goes on where it was: every step may be repeated.
    pub async fn cut_off(&self, name: &str, bound: Duration) -> Result<CutOff, Error> {
        let deadline = Instant::now() + bound;
        let failures = Failures::default();
        let Ok(mark) = timeout_at(deadline, self.take_everything(name, &failures)).await else {
            let what = format!("Kafka did not take the orders that cut {name} off");
            return Err(Error::Late { what, reason: failures.last(), bound });
        };
        let mark = mark?;
        let before = CutOff { name: name.to_owned(), mark, brokers: Vec::new() };
        Ok(self.prove(before, deadline).await)
    }

    /// Asks the brokers that were open again, for up to `bound`, without giving any order anew. Much cheaper than another
    /// [`Cluster::cut_off`], which is what a new process has to begin with.
    pub async fn prove_further(&self, cut_off: CutOff, bound: Duration) -> CutOff {
        self.prove(cut_off, Instant::now() + bound).await
    }

    async fn prove(&self, mut cut_off: CutOff, deadline: Instant) -> CutOff {
        let mut witness = None;
        loop {
            let Some(listed) = self.registered(witness.as_ref(), deadline).await else {
                return cut_off.unlisted();
            };
            cut_off.brokers.retain(|entry| listed.iter().any(|broker| same(broker, &entry.broker)));
            let gone = |broker: &BrokerInfo| {
                cut_off.brokers.iter().any(|entry| same(broker, &entry.broker) && entry.proof == Proof::Gone)
            };
            let fresh = listed.into_iter().filter(|broker| !gone(broker));
            let asked = join_all(fresh.map(|broker| async {
                let link = self.link(&broker.address);
                let proof = ask_until(&link, &cut_off.name, &cut_off.mark, deadline).await;
                BrokerProof { broker, proof }
            }))
            .await;
            let open = asked.iter().any(|entry| matches!(entry.proof, Proof::Open { .. }));
            let news = asked.iter().any(|entry| entry.proof == Proof::Gone);
            cut_off.brokers.retain(|entry| !asked.iter().any(|new| same(&new.broker, &entry.broker)));
            cut_off.brokers.extend(asked);
            let proved = cut_off.brokers.iter().find(|entry| entry.proof == Proof::Gone);
            witness = proved.map(|entry| self.link(&entry.broker.address));
            // Once a round finds nobody new the list is complete; closed ports were asked a second time by then.
            if open || !news {
                break;
            }
        }
        if cut_off.is_proved() {
            self.sweep_mark(&cut_off.mark);
        }
        cut_off.brokers.sort_by_key(|entry| entry.broker.id);
        cut_off
    }

    /// The registered brokers. Read anew from a broker that has proved the cut-off, the list is at least as new as the end of
    /// the rights. A broker that registers later opens its port only when it has caught up with that.
    async fn registered(&self, witness: Option<&Arc<Link>>, deadline: Instant) -> Option<Vec<BrokerInfo>> {
        let list = async {
            let Some(link) = witness else { return self.describe().await };
            let mut connection = link.ready().await?;
            let description = self.describe_on(link, &mut connection).await?;
            link.rest(connection);
            Ok(description)
        };
        Some(timeout_at(deadline, list).await.ok()?.ok()?.brokers)
    }

    /// Gives the orders; the mark is the last of them.
    async fn take_everything(&self, name: &str, failures: &Failures) -> Result<String, Error> {
        let overwrite = |mechanism| self.overwrite(name, mechanism, failures);
        let credentials = try_join_all(scram::MECHANISMS.map(overwrite));
        let rights = async {
            self.take_rights(name, failures).await?;
            // From here on clients are told why they are refused, until the quota makes their fetches silent.
            sleep(self.settings().grace).await;
            self.starve(name, failures).await
        };
        futures::try_join!(credentials, rights)?;
        let mark = barrier::draw(name);
        self.insist(failures, || self.set_mark(&mark)).await?;
        Ok(mark)
    }

    async fn overwrite(&self, name: &str, mechanism: Mechanism, failures: &Failures) -> Result<(), Error> {
        const WHAT: &str = "overwrite the credentials of a dead token";
        let request = scram::request(vec![scram::unknown(name, mechanism)]);
        self.insist(failures, || async {
            let (answer, address) = self.order(WHAT, &request, 0..=0).await?;
            scram::judge_all(&answer, WHAT, &address)
        })
        .await
    }

    /// A fetch that waits at a broker survives the loss of all rights; with this quota it comes back empty.
    async fn starve(&self, name: &str, failures: &Failures) -> Result<(), Error> {
        const WHAT: &str = "set the quota of a dead token";
        let request = quotas::request(vec![quotas::entry(name, quotas::FETCH, Some(1.0))]);
        self.insist(failures, || async {
            let (answer, address) = self.order(WHAT, &request, 0..=1).await?;
            quotas::judge_all(&answer, WHAT, &address)
        })
        .await
    }

    /// Deletes all rights of exactly this user.
    async fn take_rights(&self, name: &str, failures: &Failures) -> Result<(), Error> {
        const WHAT: &str = "delete the rights of a dead token";
        let request = acls::delete_request(vec![acls::all_of(name)]);
        self.insist(failures, || async {
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
    async fn insist<F: Future<Output = Result<(), Error>>>(
        &self,
        failures: &Failures,
        mut attempt: impl FnMut() -> F,
    ) -> Result<(), Error> {
        loop {
            match timeout(ATTEMPT, attempt()).await {
                Ok(Err(error)) if error.is_temporary() || error.is_unknown_outcome() => {
                    failures.note(error.to_string());
                    sleep(PAUSE).await;
                }
                Ok(result) => return result,
                // Whoever was asked keeps silent: not the first choice for the next attempt.
                Err(_) => {
                    let silent = self.avoid_favourite();
                    failures.note(silent.map_or_else(String::new, |address| format!("{address} does not answer")));
                }
            }
        }
    }
}

/// The last thing that went wrong while orders were given again and again.
#[derive(Default)]
struct Failures(Mutex<String>);

impl Failures {
    fn note(&self, failure: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn last(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether two entries name the same broker at the same place.
fn same(left: &BrokerInfo, right: &BrokerInfo) -> bool {
    left.id == right.id && left.address == right.address
}

/// Asks one broker until it shows the mark, and no right of the principal, or the time is over.
async fn ask_until(link: &Link, name: &str, mark: &str, deadline: Instant) -> Proof {
    let mut seen = "no answer in time".to_owned();
    let asking = async {
        loop {
            let asked = Instant::now();
            match applied(link, name, mark).await {
                Ok(None) => return Proof::Gone,
                Ok(Some(missing)) => {
                    seen = missing;
                    barrier::rest(asked).await;
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

/// What one broker lacks of having applied the cut-off.
async fn applied(link: &Link, name: &str, mark: &str) -> Result<Option<String>, Error> {
    if rights_of(link, mark).await? == 0 {
        return Ok(Some("it has not applied the end of the cut-off yet".to_owned()));
    }
    // Asked second: a right that was granted meanwhile, whoever did that, must not be overlooked.
    let left = rights_of(link, name).await?;
    Ok((left > 0).then(|| format!("it still shows {left} rights")))
}
