//! The cluster: which brokers it has, and whom to ask.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use futures::{StreamExt, stream::FuturesUnordered};
use kafka_protocol::{
    messages::{
        DescribeClusterRequest, DescribeQuorumRequest, TopicName,
        describe_quorum_request::{PartitionData, TopicData},
    },
    protocol::{Request, StrBytes},
};
use rand::seq::SliceRandom;
use tokio::time::sleep;

use crate::{
    Address, Error, Settings,
    answer::judge,
    link::{Connection, Link},
};

/// After this long without a connection the next broker is tried as well.
const NEXT: Duration = Duration::from_millis(250);
/// So many brokers are asked one after the other when a question is not answered.
const ATTEMPTS: usize = 3;

/// A broker that the cluster has registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerInfo {
    /// Its id.
    pub id: i32,
    /// Where it says that it can be reached, on the listener that was asked.
    pub address: Address,
    /// Whether the controller takes it for dead. It may be alive all the same.
    pub fenced: bool,
}

/// What a broker says of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The cluster's id.
    pub id: String,
    /// The broker that is named as controller; any broker will do, for orders are forwarded.
    pub controller: i32,
    /// All registered brokers, fenced ones included, by id.
    pub brokers: Vec<BrokerInfo>,
    /// Whether fenced brokers are among them (Kafka 4.0 and newer). An older cluster leaves them out; then those that were
    /// seen before stay in the list, marked as fenced.
    pub lists_fenced: bool,
}

/// A cluster. Cheap to clone; the clones share their connections.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Arc<Settings>,
    links: Mutex<HashMap<Address, Arc<Link>>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    brokers: BTreeMap<i32, BrokerInfo>,
    /// Who gave a connection last: asked first the next time.
    favourite: Option<Address>,
}

impl Cluster {
    /// Takes the settings; connects when something is asked.
    pub fn new(mut settings: Settings) -> Self {
        // A broker forwards orders to the controller one at a time: not all replicas should give theirs to the same one.
        settings.bootstrap.shuffle(&mut rand::rng());
        let settings = Arc::new(settings);
        Self { inner: Arc::new(Inner { settings, links: Mutex::default(), known: Mutex::default() }) }
    }

    /// The settings that it was made with.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The cluster's id and brokers, from whichever broker answers first.
    pub async fn describe(&self) -> Result<Description, Error> {
        let mut failed = None;
        for _ in 0..ATTEMPTS {
            let (link, mut connection) = self.ready().await?;
            match self.describe_on(&link, &mut connection).await {
                Ok(description) => {
                    link.rest(connection);
                    return Ok(description);
                }
                Err(error @ Error::Unreachable { .. }) => {
                    self.avoid(&link.address);
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(failed.expect("attempts were made"))
    }

    /// The id of the node that leads the metadata quorum: the active controller.
    pub async fn quorum_leader(&self) -> Result<i32, Error> {
        const WHAT: &str = "ask who leads the metadata quorum";
        let metadata = TopicName(StrBytes::from_static_str("__cluster_metadata"));
        let partition = PartitionData::default().with_partition_index(0);
        let topic = TopicData::default().with_topic_name(metadata).with_partitions(vec![partition]);
        let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
        let (answer, address) = self.ask(WHAT, &request, 0..=1).await?;
        judge(answer.error_code, answer.error_message.as_deref(), WHAT, &address, false)?;
        let partition = answer.topics.first().and_then(|topic| topic.partitions.first());
        partition.map(|partition| partition.leader_id.0).ok_or_else(|| Error::Protocol {
            address: address.clone(),
            reason: "it does not tell who leads the metadata quorum".to_owned(),
        })
    }

    /// The cluster as the broker at the other end of `connection` knows it.
    pub(crate) async fn describe_on(&self, link: &Link, connection: &mut Connection) -> Result<Description, Error> {
        const WHAT: &str = "describe the cluster";
        let request = DescribeClusterRequest::default().with_endpoint_type(1).with_include_fenced_brokers(true);
        let lists_fenced = connection.newest(kafka_protocol::messages::ApiKey::DescribeCluster) >= Some(2);
        // The codec refuses a field at other than its default in a version that lacks it.
        let request = if lists_fenced { request } else { request.with_include_fenced_brokers(false) };
        let answer = connection.ask(link, WHAT, &request, 1..=2).await?;
        judge(answer.error_code, answer.error_message.as_deref(), WHAT, &link.address, false)?;
        let mut brokers = BTreeMap::new();
        for broker in &answer.brokers {
            let port = u16::try_from(broker.port).map_err(|_| Error::Protocol {
                address: link.address.clone(),
                reason: format!("broker {} has port {}", broker.broker_id.0, broker.port),
            })?;
            let address = Address { host: broker.host.to_string(), port };
            let id = broker.broker_id.0;
            brokers.insert(id, BrokerInfo { id, address, fenced: broker.is_fenced });
        }
        let mut known = self.known();
        if !lists_fenced {
            for (id, seen) in &known.brokers {
                brokers.entry(*id).or_insert_with(|| BrokerInfo { fenced: true, ..seen.clone() });
            }
        }
        known.brokers.clone_from(&brokers);
        Ok(Description {
            id: answer.cluster_id.to_string(),
            controller: answer.controller_id.0,
            brokers: brokers.into_values().collect(),
            lists_fenced,
        })
    }

    /// The connections to `address`.
    pub(crate) fn link(&self, address: &Address) -> Arc<Link> {
        let mut links = self.inner.links.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Link::new(address.clone(), self.inner.settings.clone()));
        links.entry(address.clone()).or_insert_with(make).clone()
    }

    /// A live connection to any broker. Brokers that are slow to answer (paused, behind a dead network) do not hold it up:
    /// the next one is tried meanwhile, and nothing has been sent to any of them but the sign-in.
    pub(crate) async fn ready(&self) -> Result<(Arc<Link>, Connection), Error> {
        let mut candidates = self.candidates().into_iter().peekable();
        let mut attempts = FuturesUnordered::new();
        let mut failed: Option<Error> = None;
        let mut silent = Vec::new();
        loop {
            if let Some(address) = candidates.next() {
                let link = self.link(&address);
                attempts.push(async move { link.ready().await.map(|connection| (link, connection)) });
            } else if attempts.is_empty() {
                return Err(failed.unwrap_or_else(|| Error::Unreachable {
                    address: "(none)".to_owned(),
                    reason: "no bootstrap address is given".to_owned(),
                    port_closed: false,
                }));
            }
            tokio::select! {
                Some(attempt) = attempts.next() => match attempt {
                    Ok((link, connection)) => {
                        self.known().favourite = Some(link.address.clone());
                        return Ok((link, connection));
                    }
                    Err(error) => {
                        if let Error::Unreachable { address, reason, .. } = &error {
                            silent.push(format!("{address}: {reason}"));
                        }
                        failed = Some(tell(failed, error, &silent));
                    }
                },
                () = sleep(NEXT), if candidates.peek().is_some() => {}
            }
        }
    }

    /// Puts a question to any broker, and to another one if a broker does not answer.
    pub(crate) async fn ask<R: Request>(
        &self,
        what: &str,
        request: &R,
        versions: RangeInclusive<i16>,
    ) -> Result<(R::Response, Address), Error> {
        self.ask_within(what, request, versions, self.inner.settings.timeouts.question).await
    }

    /// Asks for something that may take longer than other calls.
    pub(crate) async fn ask_within<R: Request>(
        &self,
        what: &str,
        request: &R,
        versions: RangeInclusive<i16>,
        limit: Duration,
    ) -> Result<(R::Response, Address), Error> {
        let mut failed = None;
        for _ in 0..ATTEMPTS {
            let (link, mut connection) = self.ready().await?;
            match connection.ask_within(&link, what, request, versions.clone(), limit).await {
                Ok(answer) => {
                    link.rest(connection);
                    return Ok((answer, link.address.clone()));
                }
                Err(error @ Error::Unreachable { .. }) => {
                    self.avoid(&link.address);
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(failed.expect("attempts were made"))
    }

    /// Gives an order to any broker, which forwards it to the controller. Sent once.
    pub(crate) async fn order<R: Request>(
        &self,
        what: &str,
        request: &R,
        versions: RangeInclusive<i16>,
    ) -> Result<(R::Response, Address), Error> {
        let (link, mut connection) = self.ready().await?;
        let result = connection.order(&link, what, request, versions).await;
        match result {
            Ok(answer) => {
                link.rest(connection);
                Ok((answer, link.address.clone()))
            }
            Err(error) => {
                self.avoid(&link.address);
                Err(error)
            }
        }
    }

    /// Tries again what was refused for a reason that passes, as long as the settings allow.
    pub(crate) async fn patiently<T, F: Future<Output = Result<T, Error>>>(
        &self,
        attempt: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_secs(1))
            .with_jitter()
            .without_max_times()
            .with_total_delay(Some(self.inner.settings.timeouts.retry));
        attempt.retry(pauses).when(|error| matches!(error, Error::Temporary { .. })).await
    }

    /// Whom to ask, in this order: who answered last, the brokers that are known, the bootstrap addresses.
    fn candidates(&self) -> Vec<Address> {
        let known = self.known();
        let alive = known.brokers.values().filter(|broker| !broker.fenced).map(|broker| &broker.address);
        let fenced = known.brokers.values().filter(|broker| broker.fenced).map(|broker| &broker.address);
        let mut list: Vec<Address> = Vec::new();
        for address in known.favourite.iter().chain(alive).chain(&self.inner.settings.bootstrap).chain(fenced) {
            if !list.contains(address) {
                list.push(address.clone());
            }
        }
        list
    }

    /// Forgets that this address was the best one.
    fn avoid(&self, address: &Address) {
        let mut known = self.known();
        if known.favourite.as_ref() == Some(address) {
            let others = known.brokers.values().filter(|broker| !broker.fenced && broker.address != *address);
            known.favourite = others.map(|broker| broker.address.clone()).next();
        }
    }

    /// The broker that is asked first did not answer: another one will be. Gives the address of the silent one.
    pub(crate) fn avoid_favourite(&self) -> Option<Address> {
        let favourite = self.known().favourite.clone()?;
        self.avoid(&favourite);
        Some(favourite)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing in here can be half changed.
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("bootstrap", &self.inner.settings.bootstrap).finish_non_exhaustive()
    }
}

/// The one of two errors that tells more; unreachable brokers are told of together.
fn tell(before: Option<Error>, error: Error, silent: &[String]) -> Error {
    match before {
        Some(before) if before.weight() > error.weight() => before,
        Some(Error::Unreachable { .. }) if error.weight() == 0 => {
            Error::Unreachable { address: "any broker".to_owned(), reason: silent.join("; "), port_closed: false }
        }
        _ => error,
    }
}
