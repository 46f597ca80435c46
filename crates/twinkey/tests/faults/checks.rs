//! After a fault everything is in order again, within a bound and without a person.

use std::{collections::BTreeSet, time::Instant};

use futures::future::join_all;
use tokio::time::{Duration, sleep};
use twinkey_kafka_admin::{Account, Address, Cluster, Mechanism, Password, SaslMechanism, Settings, Trust};

use crate::{
    faults::Fault,
    installation::{NODES, REPLICAS, TOPICS},
    load::CREDENTIALS,
    rotations,
    run::Run,
    uses,
};

/// After the last fault of a round has ended.
const BOUND: Duration = Duration::from_mins(2);
/// The same when a Kafka node has to start again, which takes long on a busy machine.
const BOUND_KAFKA: Duration = Duration::from_mins(4);
/// Until the cluster has exactly the rights that it should have: the reconciler comes by every minute.
const BOUND_RIGHTS: Duration = Duration::from_mins(3);
/// Until the reader has come to what was acknowledged.
const BOUND_READER: Duration = Duration::from_mins(1);
/// Dead principals without rights stay behind on purpose; this is how all of them begin.
const PREFIX: &str = "tk-";

/// The test's own look at the cluster.
pub fn cluster(run: &Run) -> Cluster {
    let kafka = &run.installation.kafka;
    let bootstrap = Address::list(kafka.bootstrap()).expect("addresses");
    let account = Account {
        user: kafka.user().to_owned(),
        password: Password::new(kafka.password()),
        mechanism: SaslMechanism::Scram(Mechanism::Sha512),
    };
    Cluster::new(Settings::new(bootstrap, account, Trust::authorities(kafka.authorities()).expect("a CA")))
}

/// Waits until all replicas are ready, every node serves, rotations are answered 200 again and nothing is open; what is
/// missing if that takes too long.
pub async fn recover(run: &Run, kafka_restarts: bool) -> Result<(), String> {
    let bound = if kafka_restarts { BOUND_KAFKA } else { BOUND };
    let deadline = Instant::now() + bound;
    for number in 1..=REPLICAS {
        ready(run, number, deadline).await?;
    }
    for node in 1..=NODES {
        until(deadline, &format!("node {node} serves"), || node_serves(run, node)).await?;
    }
    // One that was answered may have been sent before the fault was over.
    for (what, more) in [("rotations answered 200", 2), ("records acknowledged", 3)] {
        let enough = run.journal.counted(what) + more;
        until(deadline, &format!("more {what}"), || async { run.journal.counted(what) >= enough }).await?;
    }
    until(deadline, "every dead token is cut off", || nothing_open(run)).await
}

/// Waits until a replica is ready. One that ends because what it stands on is away is started again, as a service manager
/// does; for any other reason it must not end.
async fn ready(run: &Run, number: usize, deadline: Instant) -> Result<(), String> {
    let replica = run.installation.replica(number);
    while let Some(seen) = replica.not_ready().await {
        if let Some(status) = replica.ended() {
            run.journal.note(format!("replica {number} ended with {status}"));
            run.journal.count("replicas that ended because something was away, and were started again");
            if !run.faulty(Instant::now(), Fault::is_of_what_replicas_stand_on) {
                return Err(format!("replica {number} ended without a reason: {status}"));
            }
            sleep(Duration::from_secs(1)).await;
            replica.start();
        }
        if Instant::now() > deadline {
            return Err(format!("replica {number} is not ready: {seen}"));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Everything that must be true whenever nothing is wrong, while no rotation is under way. `thorough`: waits for the
/// reconciler as well, which comes by once a minute.
pub async fn in_order(run: &Run, cluster: &Cluster, thorough: bool) -> Result<(), String> {
    let rotating = run.rotating.lock().await;
    if rotating.uncertain {
        return Err("the last rotation is uncertain although nothing is wrong".to_owned());
    }
    until(Instant::now() + BOUND, "every dead token is cut off", || nothing_open(run)).await?;
    exactly_two(run).await?;
    principals(run, cluster, thorough).await?;
    audit(run)
}

/// Every record that was acknowledged is there.
pub async fn records(run: &Run) -> Result<(), String> {
    until(Instant::now() + BOUND_READER, "the reader has read what was acknowledged", || async {
        run.records.unread() < 10
    })
    .await?;
    let wrong = run.records.verify();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

async fn node_serves(run: &Run, node: usize) -> bool {
    let token = run.tokens.next();
    let Some(mut link) = uses::sign_in(run, &token, node).await else { return false };
    for topic in TOPICS {
        if uses::leader(run, &mut link, topic).await.is_none_or(|leader| leader == 0) {
            return false;
        }
    }
    true
}

async fn nothing_open(run: &Run) -> bool {
    rotations::pair(run).await["cuttingOff"].as_array().is_none_or(Vec::is_empty)
}

/// Both tokens are accepted and the newest dead ones refused, by each replica and each node. A wrong verdict is a violation
/// at once; no verdict, on a machine that is too busy, is asked for again.
async fn exactly_two(run: &Run) -> Result<(), String> {
    let valid = [run.tokens.current(), run.tokens.next()];
    let dead = run.tokens.dead();
    let tokens = valid.iter().map(|it| (it, true)).chain(dead.iter().take(3).map(|it| (it, false)));
    for (token, wanted) in tokens {
        until(
            Instant::now() + BOUND,
            &format!("every part has told whether {} is valid: {wanted}", token.id),
            || async {
                let replicas = join_all((1..=REPLICAS).map(|number| uses::ask(run, number, token, CREDENTIALS, false)));
                let nodes = join_all((1..=NODES).map(|node| uses::sign_in(run, token, node)));
                let (replicas, nodes) = tokio::join!(replicas, nodes);
                replicas.iter().all(|accepted| *accepted == Some(wanted))
                    && nodes.iter().all(|it| it.is_some() == wanted)
            },
        )
        .await?;
    }
    Ok(())
}

/// Rights on the cluster have exactly the principals of the valid tokens, and the one that is being prepared, if there is.
/// Tokens that were given up before they were valid, and whose secret nobody was ever shown, lose theirs by the reconciler.
async fn principals(run: &Run, cluster: &Cluster, thorough: bool) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let (valid, prepared) = wanted(run);
        let seen = match cluster.inventory(PREFIX).await {
            Ok(inventory) => {
                let rights: BTreeSet<String> = inventory
                    .users
                    .iter()
                    .filter(|(_, found)| found.has_rights())
                    .map(|(name, _)| name.clone())
                    .collect();
                let complete = |name: &String| inventory.users.get(name).is_some_and(|it| it.is_complete("demo"));
                let given_up = |name: &str| !run.tokens.was_valid(name.strip_prefix(PREFIX).unwrap_or(name));
                let unwanted = rights.iter().filter(|it| !valid.contains(*it) && !prepared.contains(*it));
                let extra: Vec<_> = unwanted.filter(|name| thorough || !given_up(name)).collect();
                let missing: Vec<_> = valid.iter().filter(|name| !complete(name)).collect();
                if extra.is_empty() && missing.is_empty() {
                    run.journal.took("until the cluster had the wanted rights", begun.elapsed());
                    return Ok(());
                }
                format!("rights without a wanted token: {extra:?}; incomplete: {missing:?}")
            }
            Err(error) => error.to_string(),
        };
        if begun.elapsed() > BOUND_RIGHTS {
            return Err(seen);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// The principals of valid tokens and of prepared ones, from the database.
fn wanted(run: &Run) -> (BTreeSet<String>, BTreeSet<String>) {
    let rows = run.installation.database.query("SELECT id, slot FROM tokens WHERE deactivated_at IS NULL");
    let (mut valid, mut prepared) = (BTreeSet::new(), BTreeSet::new());
    for row in rows.lines() {
        let (id, slot) = row.split_once('|').expect("two columns");
        let set = if slot.is_empty() { &mut prepared } else { &mut valid };
        set.insert(format!("{PREFIX}{id}"));
    }
    (valid, prepared)
}

/// There is one record for each rotation, and the generation is what was acknowledged.
fn audit(run: &Run) -> Result<(), String> {
    let rows = run.installation.database.query(
        "SELECT (SELECT count(*) FROM audit WHERE action = 'token.rotated'), \
         (SELECT generation FROM workspaces WHERE id = 'demo')",
    );
    let generation = run.tokens.generation();
    let wanted = format!("{generation}|{generation}");
    if rows.trim() == wanted { Ok(()) } else { Err(format!("records and generation: {}, not {wanted}", rows.trim())) }
}

async fn until<F: Future<Output = bool>>(
    deadline: Instant,
    what: &str,
    mut fits: impl FnMut() -> F,
) -> Result<(), String> {
    loop {
        if fits().await {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("too long until {what}"));
        }
        sleep(Duration::from_millis(50)).await;
    }
}
