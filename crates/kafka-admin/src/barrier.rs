//! A mark in the cluster's log: who shows it has applied all that was written before.
//!
//! The mark is a right of no use, for a user that nobody can be. It belongs to no principal, so that an order to delete a principal's
//! rights leaves it alone even if it arrives late, and so that no list of principals holds it.
//!
//! To find rights a broker looks through all that it has, whatever is asked for: with a million of them a question takes tenths of a second.
//! So the pause between two questions is as long as the question took, and many principals share one mark.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::{
    Cluster, Error,
    acls::{self, Acl, Operation, Resource, found},
    answer::judge,
    link::Link,
};

/// Between two questions to a broker, at least.
const POLL: Duration = Duration::from_millis(4);
/// How long the mark's removal may take.
const SWEEP: Duration = Duration::from_secs(30);

/// How the users of marks begin that were made for `name`, or for any name that begins so.
pub(crate) fn prefix(name: &str) -> String {
    format!("twinkey mark for {name}")
}

/// A user for a new mark.
pub(crate) fn draw(name: &str) -> String {
    format!("{} {:032x}", prefix(name), rand::random::<u128>())
}

/// The right that it gets: to see a group that does not exist.
fn right() -> Acl {
    Acl {
        resource: Resource::Group,
        name: "twinkey-mark".to_owned(),
        prefixed: false,
        host: "*".to_owned(),
        operation: Operation::Describe,
        allow: true,
    }
}

impl Cluster {
    /// Orders a mark. Once.
    pub(crate) async fn set_mark(&self, mark: &str) -> Result<(), Error> {
        const WHAT: &str = "mark the end of an order";
        let request = acls::create_request(vec![acls::creation(mark, &right())]);
        let (answer, address) = self.order(WHAT, &request, 1..=2).await?;
        let mut results = answer.results.iter();
        results.try_for_each(|result| judge(result.error_code, result.error_message.as_deref(), WHAT, &address, true))
    }

    /// Takes a mark away. Nothing depends on it: if it fails, an inventory shows it ([`crate::inventory::Inventory::markers`]).
    /// Hence not waited for.
    pub(crate) fn sweep_mark(&self, mark: &str) {
        let (cluster, mark) = (self.clone(), mark.to_owned());
        tokio::spawn(async move {
            let swept = timeout(SWEEP, cluster.sweep_markers(std::iter::once(mark.as_str()))).await;
            if !matches!(swept, Ok(Ok(()))) {
                tracing::warn!(mark, "a mark stays behind on the cluster");
            }
        });
    }
}

/// How many rights the broker itself knows this user to have.
pub(crate) async fn rights_of(link: &Link, user: &str) -> Result<usize, Error> {
    let answer = link.ask("read the access rights", &acls::describe_request(Some(user), None), 1..=2).await?;
    Ok(found(&answer, &link.address)?.count())
}

/// Rests between two questions, the last of which was begun at `asked`.
pub(crate) async fn rest(asked: Instant) {
    sleep(asked.elapsed().max(POLL)).await;
}
