//! Which installation of Twinkey owns the principals of a prefix on this cluster.
//!
//! The claim is a client quota of a user that nobody can be: it needs no topic, is replicated with the cluster's metadata, and shows
//! an administrator who looks at the quotas what it is for. Its value limits nobody.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{Cluster, Error, quotas};

/// A quota that every version knows.
const KEY: &str = "request_percentage";
const VALUE: f64 = 100.0;
/// How long a claim may take to show on the broker that is asked.
const SHOWN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

impl Cluster {
    /// Claims the prefix for `installation`, unless another one has it ([`Error::Claimed`]). May be repeated.
    ///
    /// Two installations that claim at the same moment both see both, and both give up; never do both succeed: each
    /// looks after its own claim shows, so whichever is later in the cluster's log sees the earlier one.
    pub async fn claim(&self, prefix: &str, installation: &str) -> Result<(), Error> {
        let before = self.claims(prefix).await?;
        let others = |claims: &[String]| claims.iter().filter(|id| *id != installation).cloned().collect::<Vec<_>>();
        if !others(&before).is_empty() {
            return Err(Error::Claimed { prefix: prefix.to_owned(), others: others(&before) });
        }
        if before.is_empty() {
            self.mark(prefix, installation, Some(VALUE)).await?;
        }
        let deadline = Instant::now() + SHOWN;
        loop {
            let claims = self.claims(prefix).await?;
            let others = others(&claims);
            if !others.is_empty() {
                self.release(prefix, installation).await?;
                return Err(Error::Claimed { prefix: prefix.to_owned(), others });
            }
            if !claims.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let what = "the claim of this installation does not show on the cluster".to_owned();
                return Err(Error::Late { what, reason: String::new(), bound: SHOWN });
            }
            sleep(POLL).await;
        }
    }

    /// The installations that claim the prefix: none, one, or more after an accident.
    pub async fn claims(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let marker = marker(prefix, "");
        let users = self.quotas_of(&marker).await?;
        Ok(users.into_iter().filter_map(|(user, _)| user.strip_prefix(&marker).map(str::to_owned)).collect())
    }

    /// Gives the prefix up.
    pub async fn release(&self, prefix: &str, installation: &str) -> Result<(), Error> {
        self.mark(prefix, installation, None).await
    }

    async fn mark(&self, prefix: &str, installation: &str, value: Option<f64>) -> Result<(), Error> {
        const WHAT: &str = "write which installation of Twinkey owns this cluster's tokens";
        let request = quotas::request(vec![quotas::entry(&marker(prefix, installation), KEY, value)]);
        self.patiently(|| async {
            let (answer, address) = self.order(WHAT, &request, 0..=1).await?;
            quotas::judge_all(&answer, WHAT, &address)
        })
        .await
    }
}

/// The user that nobody can be. It does not begin with the prefix, so that no list of principals holds it.
fn marker(prefix: &str, installation: &str) -> String {
    format!("twinkey owns the principals {prefix}* of this cluster, installation {installation}")
}
