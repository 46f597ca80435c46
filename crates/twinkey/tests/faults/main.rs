//! Everything that an installation stands on goes wrong, one at a time and in pairs, while clients stream and an
//! administrator rotates: guarantees 1, 2, 3, 5, 6, 7 and 8 and promise B4 with three replicas, PostgreSQL and three Kafka nodes.
//!
//! `TWINKEY_FAULT_ROUNDS` sets the number of rounds (50), `TWINKEY_FAULT_SEED` repeats a run's faults. It is not among the
//! tests that `cargo test` runs by itself, because it takes the whole machine for minutes:
//! `cargo test --package twinkey --test faults -- --nocapture`.

mod checks;
mod faults;
mod installation;
mod journal;
mod load;
mod records;
mod rotations;
mod run;
mod tokens;
mod uses;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;
use rand::{SeedableRng, rngs::StdRng};
use tokio::time::{sleep, timeout};
use twinkey_api::token_pair::Slot;
use twinkey_kafka_admin::Cluster;
use twinkey_testkit::kafka::Credentials;

use crate::{
    faults::Planned,
    installation::Installation,
    journal::Journal,
    run::Run,
    tokens::{Token, Tokens},
};

/// Nothing that a round waits for is without a bound of its own; this is for what nobody thought of.
const ROUND: Duration = Duration::from_mins(15);
/// Between the faults of two rounds: here nothing is excused.
const CALM: Duration = Duration::from_millis(500);
/// What takes a while is looked at in every so many rounds, and at the end.
const SCAN: usize = 20;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn b4_g1_g2_g3_g5_g6_g7_g8_faults_of_every_part() {
    let rounds = variable("TWINKEY_FAULT_ROUNDS").unwrap_or(50) as usize;
    let seed = variable("TWINKEY_FAULT_SEED").unwrap_or_else(rand::random);
    println!("{rounds} rounds, TWINKEY_FAULT_SEED={seed}");
    let plan = faults::plan(rounds, &mut StdRng::seed_from_u64(seed));

    let begun = Instant::now();
    let installation = Installation::start().await;
    println!("the installation is ready after {:.1} s", begun.elapsed().as_secs_f32());
    let tokens = first_tokens(&installation).await;
    let run = Run::new(installation, tokens, Journal::new());
    let cluster = checks::cluster(&run);
    let mut load = load::start(&run);
    let mut rotating = tokio::spawn(rotations::go_on(run.clone()));

    for (number, faults) in (1..).zip(&plan) {
        let round = timeout(ROUND, play(&run, &cluster, number, faults, number == rounds));
        let result = tokio::select! {
            result = std::panic::AssertUnwindSafe(round).catch_unwind() => match result {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err("the round does not end".to_owned()),
                Err(_) => Err("the round panicked, see above".to_owned()),
            },
            end = &mut rotating => Err(format!("the rotations ended: {end:?}")),
            Some(end) = load.join_next() => Err(format!("a part of the load ended: {end:?}")),
        };
        let failed = result.err().or_else(|| (!run.journal.is_clean()).then(|| "see above".to_owned()));
        if let Some(words) = failed {
            run.installation.keep_logs();
            println!("{}\n{}\n{}", run.installation.tails(), run.journal.story(), run.journal.figures());
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("round {number} ({}), TWINKEY_FAULT_SEED={seed}: {words}", faults.join("; "));
        }
    }
    rotating.abort();
    load.shutdown().await;
    println!("{}", run.journal.figures());
    println!(
        "{rounds} rounds in {:.0} s, TWINKEY_FAULT_SEED={seed}: {} rotations took effect, {} records verified",
        begun.elapsed().as_secs_f32(),
        run.tokens.generation(),
        run.records.verified()
    );
}

/// One round: calm, the faults, the way back, and a look at everything.
async fn play(run: &Arc<Run>, cluster: &Cluster, number: usize, faults: &[Planned], last: bool) -> Result<(), String> {
    let begun = Instant::now();
    sleep(CALM).await;
    let names: Vec<String> = faults.iter().map(ToString::to_string).collect();
    run.journal.note(format!("── round {number}: {}", names.join("; ")));
    run.open(faults.iter().map(|planned| planned.fault));
    let happening = faults.iter().map(|planned| async {
        sleep(planned.after).await;
        run.journal.note(format!("{:?} begins", planned.fault));
        planned.fault.happen(&run.installation, planned.lasts).await;
        run.journal.note(format!("{:?} is over", planned.fault));
    });
    futures::future::join_all(happening).await;
    let over = Instant::now();
    checks::recover(run, faults.iter().any(|planned| planned.fault.restarts_kafka())).await?;
    let recovery = over.elapsed();
    run.journal.took("from the end of the faults until all was in order", recovery);
    run.journal.note("all is in order");
    run.close();
    let thorough = number.is_multiple_of(SCAN) || last;
    checks::in_order(run, cluster, thorough).await?;
    checks::records(run).await?;
    let leaks = run.installation.scan_logs();
    if !leaks.is_empty() {
        return Err(leaks.join("\n"));
    }
    if thorough {
        run.installation.verify_audit()?;
        run.installation.scan_rest();
    }
    println!(
        "round {number}: {}: in order after {:.1} s, {:.1} s in all, generation {}",
        names.join("; "),
        recovery.as_secs_f32(),
        begun.elapsed().as_secs_f32(),
        run.tokens.generation()
    );
    Ok(())
}

/// The two tokens of the workspace that the first start has made.
async fn first_tokens(installation: &Installation) -> Tokens {
    let (api, admin) = (&installation.replica(1).api, &installation.admin);
    let mut pair = Vec::new();
    for slot in Slot::BOTH {
        let path = format!("/workspaces/demo/tokens/{}/reveal", slot.name());
        let revealed = api.post(&path, admin, &serde_json::json!({})).await.ok();
        let text = |key: &str| revealed[key].as_str().expect("text").to_owned();
        let credentials = Credentials::of(api, "demo", &text("value")).await;
        let token = Token::new(text("id"), text("value"), credentials, &[]);
        pair.push(Arc::new(token));
    }
    let pair = <[_; 2]>::try_from(pair).expect("two tokens");
    Tokens::new(api.generation("demo", admin).await, pair)
}
