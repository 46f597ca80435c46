//! `fill DATA_DIR COUNT SAMPLE`: brings a stopped server's database to COUNT workspaces and prints SAMPLE of them, evenly
//! spread, one a line with its Token 1. The database is `TWINKEY_DATABASE_URL`, as for the server, or SQLite in `DATA_DIR`.
//!
//! Workspaces are made by the server's own `insert_workspace`, so what is in the database is exactly what as many calls of
//! `POST /workspaces` leave behind, tokens and audit records included; only that many share one transaction, because a
//! hundred thousand synchronous commits take longer than anybody waits for a bench.

use std::{env, fs::OpenOptions, path::PathBuf, sync::Arc};

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use twinkey_api::WorkspaceId;
use twinkey_server::{
    Clock,
    audit::Actor,
    db::{self, Db},
    keys::{Keys, MasterKeySource},
    random::Random,
    registry::Registry,
    tokens::insert_workspace,
};

/// Workspaces in one transaction.
const BATCH: usize = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [directory, count, sample] = arguments.as_slice() else {
        return Err(anyhow!("usage: twinkey-bench-fill DATA_DIR COUNT SAMPLE"));
    };
    let (directory, count, sample) = (PathBuf::from(directory), count.parse::<usize>()?, sample.parse::<usize>()?);
    let lock = OpenOptions::new().write(true).open(directory.join("twinkey.lock")).context("start the server once")?;
    lock.try_lock().context("stop the server first")?;

    let random = Random::from_system();
    let source = MasterKeySource::File(directory.join("master.key"));
    let keys = Arc::new(Keys::load(&source, false, &random)?);
    let sqlite = || db::sqlite_url(&directory.join("twinkey.db"));
    let db = Db::open(&env::var("TWINKEY_DATABASE_URL").unwrap_or_else(|_| sqlite())).await?;
    fill(&db, &keys, &random, count).await?;
    print_tokens(&db, keys, sample).await?;
    db.close().await?;
    Ok(())
}

async fn fill(db: &Db, keys: &Keys, random: &Random, count: usize) -> anyhow::Result<()> {
    let organisation = db::organisations::find(&**db).await?.context("start the server once")?;
    let present = db::workspaces::list(&**db).await?.len();
    for from in (present..count).step_by(BATCH) {
        let transaction = db.write().await?;
        for number in from..count.min(from + BATCH) {
            // No hyphen, so that no id is the prefix of another one; the first start's own workspace is not among them.
            let id = WorkspaceId::parse(&format!("bench{number:06}"))?;
            let named = (&id, id.as_str());
            let (actor, now) = (Actor::system(), clock()());
            insert_workspace(&*transaction, (keys, random), &actor, &organisation.id, named, false, now).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

async fn print_tokens(db: &Db, keys: Arc<Keys>, sample: usize) -> anyhow::Result<()> {
    let registry = Registry::new(keys);
    registry.load(&**db).await?;
    let workspaces = db::workspaces::list(&**db).await?;
    for workspace in workspaces.iter().step_by((workspaces.len() / sample.max(1)).max(1)).take(sample) {
        let pair = registry.pair(&WorkspaceId::parse(&workspace.id)?).context("every workspace has a pair")?;
        let secret = registry.reveal(&pair.current).context("the master key opens every token")?;
        println!("{}\t{}", workspace.id, secret.expose());
    }
    Ok(())
}

fn clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "this program is at the edge: it hands the clock on")]
    Arc::new(Timestamp::now)
}
