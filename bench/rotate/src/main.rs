//! `rotate URL WORKSPACE ROTATIONS HTTP BROKER`: rotates so many times while HTTP clients and broker connections use Token 1,
//! and as many Token 2, and judges each single use. The administrator's token is in `ADMIN`. Prints what was seen as JSON.
//!
//! A client does not look whether its token is still valid; it goes on with it until it is refused, as a program would. So the
//! last uses of each client of Token 1 are uses of a dead token.

mod client;
mod judge;

use std::{
    env,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use serde_json::json;
use twinkey_api::token_pair::Slot;
use twinkey_testkit::{Api, Stream};

use judge::{Judge, Pair};

/// How long the clients may take to have used their new tokens once; with that each rotation meets all of them at work.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [url, workspace, rotations, http, broker] = arguments.as_slice() else {
        anyhow::bail!("usage: twinkey-bench-rotate URL WORKSPACE ROTATIONS HTTP BROKER");
    };
    let (rotations, http, broker) = (rotations.parse::<usize>()?, http.parse::<usize>()?, broker.parse::<usize>()?);
    let (api, admin) = (Api::at(url), env::var("ADMIN").context("ADMIN")?);
    let first = read(&api, &admin, workspace).await?;
    Stream::open(&api, workspace, &first.current).await.produce(&format!("{workspace}-uses"), "something").await?.ok();

    let judge = Arc::new(Judge::new(api.clone(), workspace.clone(), first));
    let mut clients = Vec::new();
    for slot in Slot::BOTH {
        clients.extend((0..http).map(|_| tokio::spawn(client::over_http(judge.clone(), slot, judge.seat()))));
        clients.extend((0..broker).map(|_| tokio::spawn(client::on_the_broker(judge.clone(), slot, judge.seat()))));
    }
    let (mut times, mut hurried) = (Vec::with_capacity(rotations), 0);
    for _ in 0..rotations {
        hurried += usize::from(!judge.all_at_work(PATIENCE).await);
        let generation = judge.pair().generation;
        judge.begun.store(generation + 1, Ordering::SeqCst);
        let began = Instant::now();
        let body = json!({"expectedGeneration": generation, "force": true, "reason": "bench"});
        let answer = api.post(&format!("/workspaces/{workspace}/tokens/rotate"), &admin, &body).await;
        times.push(began.elapsed());
        ensure!(answer.status == StatusCode::OK, "{}: {}", answer.status, answer.text);
        judge.answered.store(generation + 1, Ordering::SeqCst);
        judge.set(read(&api, &admin, workspace).await?);
    }
    judge.all_at_work(PATIENCE).await;
    clients.iter().for_each(tokio::task::JoinHandle::abort);
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
    let seen = judge.seen();
    println!("{}", json!({"p50": at(50), "p99": at(99), "max": at(100), "hurried": hurried, "seen": seen}));
    Ok(())
}

async fn read(api: &Api, admin: &str, workspace: &str) -> anyhow::Result<Pair> {
    Ok(Pair {
        generation: api.generation(workspace, admin).await,
        current: api.reveal(workspace, Slot::Current, admin).await,
        next: api.reveal(workspace, Slot::Next, admin).await,
    })
}
