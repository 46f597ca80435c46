//! What goes wrong, when it is drawn, how it is done, and what it explains.

use std::{fmt, sync::Arc, time::Duration};

use rand::{Rng, RngExt, seq::SliceRandom};
use tokio::time::{Instant, sleep};
use twinkey_testbed::proxy::{self, Direction};

use crate::{
    installation::{Installation, NODES, REPLICAS},
    tokens::Part,
};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// kill -9 of a replica, started again afterwards.
    ReplicaKilled(usize),
    /// SIGSTOP of a replica for longer than its lease, then SIGCONT.
    ReplicaPaused(usize),
    /// The network between a replica and PostgreSQL fails.
    ReplicaCutOff(usize, proxy::Fault),
    /// The connections that listen for announcements are ended again and again.
    NotifyLost,
    /// PostgreSQL is stopped in order and started again.
    PostgresRestarted,
    /// kill -9 of PostgreSQL, started again afterwards.
    PostgresKilled,
    /// SIGSTOP of PostgreSQL, then SIGCONT.
    PostgresPaused,
    /// kill -9 of a Kafka node, started again afterwards.
    NodeKilled(usize),
    /// SIGSTOP of a Kafka node, then SIGCONT.
    NodePaused(usize),
    /// kill -9 of all Kafka nodes, started again afterwards.
    KafkaGone,
    /// SIGSTOP of all Kafka nodes, then SIGCONT.
    KafkaPaused,
}

/// What a holder of a valid token may meet instead of an answer. A refusal of the token is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection was refused or broke, or nothing came in time.
    NoAnswer,
    /// The API answered 503.
    Unavailable,
    /// Kafka answered with an error that has nothing to do with rights.
    KafkaError,
}

/// A fault and how long it lasts.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    /// What.
    pub fault: Fault,
    /// How long after the beginning of the round.
    pub after: Duration,
    /// For how long.
    pub lasts: Duration,
}

impl Fault {
    /// Whether the trouble of a request to `part` is this fault's doing. `kafka` tells whether the API needs Kafka for it.
    pub fn explains(self, part: Part, trouble: Trouble, kafka: bool) -> bool {
        match (self, part) {
            (Self::ReplicaKilled(of) | Self::ReplicaPaused(of), Part::Replica(number)) => of == number,
            // A question to the database may take as long as the client has patience.
            (Self::ReplicaCutOff(of, _), Part::Replica(number)) => of == number && trouble != Trouble::KafkaError,
            (Self::PostgresRestarted | Self::PostgresKilled | Self::PostgresPaused, Part::Replica(_)) => true,
            (Self::NotifyLost, Part::Replica(_)) => false,
            (Self::NodeKilled(_) | Self::NodePaused(_) | Self::KafkaGone | Self::KafkaPaused, Part::Replica(_)) => {
                kafka
            }
            // A node that is away concerns the others too: leaders move, and writes wait for replicas.
            (_, Part::Node(_)) => self.concerns_kafka(),
        }
    }

    /// Whether a node of Kafka is concerned.
    pub fn concerns_kafka(self) -> bool {
        matches!(self, Self::NodeKilled(_) | Self::NodePaused(_) | Self::KafkaGone | Self::KafkaPaused)
    }

    /// Whether a replica that starts meanwhile may find something away that it needs.
    pub fn is_of_what_replicas_stand_on(self) -> bool {
        !matches!(self, Self::ReplicaKilled(_) | Self::ReplicaPaused(_) | Self::NotifyLost)
    }

    /// Whether a Kafka node has to start again, which takes long on a busy machine.
    pub fn restarts_kafka(self) -> bool {
        matches!(self, Self::NodeKilled(_) | Self::KafkaGone)
    }

    /// Whether two faults can be had at the same time and still mean what they say.
    fn goes_with(self, other: Self) -> bool {
        let postgres = |fault| matches!(fault, Self::PostgresRestarted | Self::PostgresKilled | Self::PostgresPaused);
        let replica = |fault| match fault {
            Self::ReplicaKilled(of) | Self::ReplicaPaused(of) => Some(of),
            _ => None,
        };
        let same_replica = replica(self).is_some() && replica(self) == replica(other);
        // Announcements need the database that is to lose them.
        let notify = |fault| postgres(fault) || fault == Self::NotifyLost;
        !(same_replica
            || (notify(self) && notify(other))
            || (self.concerns_kafka() && other.concerns_kafka())
            || (matches!(self, Self::ReplicaCutOff(..)) && matches!(other, Self::ReplicaCutOff(..))))
    }

    /// For how long it lasts: longer than a lease, shorter than the patience of clients.
    fn duration(self, rng: &mut impl Rng) -> Duration {
        let range = match self {
            Self::ReplicaKilled(_) => 0..800,
            Self::ReplicaPaused(_) => 700..2_500,
            Self::ReplicaCutOff(..) => 300..2_500,
            Self::NotifyLost => 500..1_500,
            Self::PostgresRestarted | Self::PostgresKilled => 0..1_000,
            Self::PostgresPaused => 300..2_000,
            Self::NodeKilled(_) => 0..2_000,
            // Now and then for longer than a session on the controller: then the node is fenced, which proves nothing.
            Self::NodePaused(_) if rng.random_ratio(1, 4) => 10_000..12_000,
            Self::NodePaused(_) => 500..3_000,
            Self::KafkaGone => 1_000..3_000,
            Self::KafkaPaused => 1_000..4_000,
        };
        Duration::from_millis(rng.random_range(range))
    }

    /// Does it, keeps it for `lasts`, and undoes it. Whatever has to start again is started, not waited for.
    pub async fn happen(self, installation: &Arc<Installation>, lasts: Duration) {
        let at = installation.clone();
        match self {
            Self::ReplicaKilled(number) => {
                at.replica(number).kill();
                sleep(lasts).await;
                at.replica(number).start();
            }
            Self::ReplicaPaused(number) => {
                at.replica(number).signal("STOP");
                sleep(lasts).await;
                at.replica(number).signal("CONT");
            }
            Self::ReplicaCutOff(number, fault) => {
                at.replica(number).proxy.set(fault);
                sleep(lasts).await;
                at.replica(number).proxy.set(proxy::Fault::None);
            }
            Self::NotifyLost => {
                let until = Instant::now() + lasts;
                while Instant::now() < until {
                    let at = installation.clone();
                    blocking(move || at.end_listeners()).await;
                    sleep(Duration::from_millis(50)).await;
                }
            }
            Self::PostgresRestarted => {
                blocking(move || at.postgres.stop()).await;
                sleep(lasts).await;
                let at = installation.clone();
                blocking(move || at.postgres.resume_or_start()).await;
            }
            Self::PostgresKilled => {
                blocking(move || at.postgres.kill()).await;
                sleep(lasts).await;
                let at = installation.clone();
                blocking(move || at.postgres.resume_or_start()).await;
            }
            Self::PostgresPaused => {
                at.postgres.pause();
                sleep(lasts).await;
                at.postgres.resume();
            }
            Self::NodeKilled(number) => {
                at.kafka.kill(number);
                sleep(lasts).await;
                blocking(move || at.kafka.start_node(number)).await;
            }
            Self::NodePaused(number) => {
                at.kafka.pause(number);
                sleep(lasts).await;
                at.kafka.resume(number);
            }
            Self::KafkaGone => {
                (1..=NODES).for_each(|number| at.kafka.kill(number));
                sleep(lasts).await;
                blocking(move || (1..=NODES).for_each(|number| at.kafka.start_node(number))).await;
            }
            Self::KafkaPaused => {
                (1..=NODES).for_each(|number| at.kafka.pause(number));
                sleep(lasts).await;
                (1..=NODES).for_each(|number| at.kafka.resume(number));
            }
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} after {} ms for {} ms", self.fault, self.after.as_millis(), self.lasts.as_millis())
    }
}

/// The faults of each round: one in two rounds of three, else a pair. The same `rng` gives the same plan.
///
/// Kinds are dealt from a deck rather than drawn one by one, so that a run has each of them as often as its price allows: a
/// Kafka node needs ten seconds and more to come back.
pub fn plan(rounds: usize, rng: &mut impl Rng) -> Vec<Vec<Planned>> {
    let mut deck = Vec::new();
    (0..rounds)
        .map(|round| {
            let mut faults = vec![deal(&mut deck, rng)];
            if round % 3 == 2 {
                let second = std::iter::repeat_with(|| cheap(rng)).find(|fault| fault.goes_with(faults[0]));
                faults.extend(second);
            }
            let mut plan: Vec<Planned> = faults
                .into_iter()
                .map(|fault| Planned {
                    fault,
                    after: Duration::from_millis(rng.random_range(0..500)),
                    lasts: fault.duration(rng),
                })
                .collect();
            // What the issue asks for, once in a long run: a minute without Kafka.
            if round == 150
                && let Some(first) = plan.first_mut()
            {
                *first = Planned { fault: Fault::KafkaGone, after: Duration::ZERO, lasts: Duration::from_mins(1) };
                plan.truncate(1);
            }
            plan
        })
        .collect()
}

fn deal(deck: &mut Vec<u8>, rng: &mut impl Rng) -> Fault {
    if deck.is_empty() {
        // 50 cards: which kind, how often.
        const CARDS: [(u8, usize); 11] =
            [(0, 9), (1, 9), (2, 13), (3, 3), (4, 3), (5, 3), (6, 2), (7, 2), (8, 4), (9, 1), (10, 1)];
        deck.extend(CARDS.iter().flat_map(|(kind, times)| std::iter::repeat_n(*kind, *times)));
        deck.shuffle(rng);
    }
    let kind = deck.pop().expect("just filled");
    fault(kind, rng)
}

/// The second of a pair: nothing that takes a Kafka node long to come back from.
fn cheap(rng: &mut impl Rng) -> Fault {
    let kind = [0, 1, 2, 2, 3, 4, 5, 6, 8][rng.random_range(0..9)];
    fault(kind, rng)
}

fn fault(kind: u8, rng: &mut impl Rng) -> Fault {
    let replica = rng.random_range(1..=REPLICAS);
    let node = rng.random_range(1..=NODES);
    match kind {
        0 => Fault::ReplicaKilled(replica),
        1 => Fault::ReplicaPaused(replica),
        2 => Fault::ReplicaCutOff(replica, network(rng)),
        3 => Fault::NotifyLost,
        4 => Fault::PostgresRestarted,
        5 => Fault::PostgresKilled,
        6 => Fault::PostgresPaused,
        7 => Fault::NodeKilled(node),
        8 => Fault::NodePaused(node),
        9 => Fault::KafkaGone,
        _ => Fault::KafkaPaused,
    }
}

fn network(rng: &mut impl Rng) -> proxy::Fault {
    let direction = [Direction::Both, Direction::ToTarget, Direction::FromTarget][rng.random_range(0..3)];
    match rng.random_range(0..4) {
        0 => proxy::Fault::Delay(direction, Duration::from_millis(rng.random_range(20..700))),
        1 => proxy::Fault::Hold(direction),
        2 => proxy::Fault::Lose(direction),
        _ => proxy::Fault::Cut,
    }
}

async fn blocking(work: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(work).await.expect("the fault can be made");
}
