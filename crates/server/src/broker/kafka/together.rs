//! Principals that are to be made at the same time are made together.
//!
//! A broker forwards orders to the controller one at a time, and each takes the controller some 25 ms, whatever is in it
//! (`controller.quorum.append.linger.ms`). Alone, a new workspace has three of them: eight workspaces a second, and no more. So
//! whoever comes while others' orders are under way waits, and is then served with all who wait.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};
use twinkey_kafka_admin::{
    Cluster,
    principals::{BATCH, Granted, Principal},
};

use crate::broker::BrokerError;

/// Batches that are ordered at the same time: while one is written the keys of another one are derived. That a batch shows is
/// waited for beside the next one.
const AT_ONCE: usize = 2;

type Outcome = Result<Granted, BrokerError>;

struct Waiting {
    principals: Vec<Principal>,
    answer: oneshot::Sender<Outcome>,
}

/// Those who wait.
pub struct Together {
    waiting: Mutex<Vec<Waiting>>,
    turns: Semaphore,
}

impl Default for Together {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turns: Semaphore::new(AT_ONCE) }
    }
}

impl Together {
    /// Makes principals under names that were never used: see [`Cluster::make_principals`]. Goes on if the caller hangs up, for
    /// the sake of those who share the orders.
    pub async fn make(self: &Arc<Self>, cluster: &Cluster, principals: Vec<Principal>) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { principals, answer });
        // As many turns as there are callers: whoever's work was done in another one's turn finds nobody waiting.
        let (together, cluster) = (self.clone(), cluster.clone());
        tokio::spawn(async move { together.turn(&cluster).await });
        outcome.await.unwrap_or_else(|_| Err(BrokerError::Unknown("the task that grants rights has ended".to_owned())))
    }

    async fn turn(&self, cluster: &Cluster) {
        let turn = self.turns.acquire().await.expect("never closed");
        let callers = self.take();
        let batch: Vec<_> = callers.iter().flat_map(|caller| caller.principals.clone()).collect();
        if batch.is_empty() {
            return;
        }
        let ordered = cluster.order_principals(&batch).await.map_err(BrokerError::from);
        match ordered {
            Ok(description) => {
                drop(turn);
                let granted = cluster.shown(description, &batch).await;
                for caller in callers {
                    answer(caller, Ok(granted.clone()));
                }
            }
            Err(error @ BrokerError::Refused(_)) if callers.len() > 1 => {
                tracing::debug!(%error, "what was refused together is tried one by one");
                for caller in callers {
                    let outcome = cluster.make_principals(&caller.principals).await.map_err(BrokerError::from);
                    answer(caller, outcome);
                }
            }
            Err(error) => {
                for caller in callers {
                    answer(caller, Err(error.clone()));
                }
            }
        }
    }

    /// Who came first, as many as fit into one order.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = BATCH;
        let fits = |caller: &&Waiting| room.checked_sub(caller.principals.len()).map(|left| room = left).is_some();
        let count = waiting.iter().take_while(fits).count();
        waiting.drain(..count).collect()
    }
}

/// Whoever has hung up does not hear it.
fn answer(caller: Waiting, outcome: Outcome) {
    let _ = caller.answer.send(outcome);
}
