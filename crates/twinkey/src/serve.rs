//! `twinkey serve`: the only place where the wall clock, the system's randomness and real listeners come from.

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
};

use anyhow::Context;
use jiff::Timestamp;
use sd_notify::NotifyState;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;
use twinkey_server::{
    Clock,
    random::Random,
    replicas::clock::{Monotonic, since_boot},
    start::{Config, Server},
};

use crate::{
    commands::env::quoted,
    settings::{DEFAULT_DATA_DIR, LogFormat, Settings},
};

/// Runs until SIGINT or SIGTERM.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let resolved = settings.resolve()?;
    start_logging(resolved.log_format);
    // Each partition and each connection needs a file descriptor; the soft limit of most systems is far below the hard one.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }

    let http = bind(&resolved.listen, "--listen").await?;
    let broker = match &resolved.config.kafka {
        Some(_) => None,
        None => Some(bind(&resolved.broker_listen, "--broker-listen").await?),
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    #[expect(clippy::disallowed_methods, reason = "this is where the clock comes from that everything else is given")]
    let clock: Clock = Arc::new(Timestamp::now);
    let monotonic: Monotonic = Arc::new(since_boot);
    let random = Random::from_system();
    let server = Server::start(resolved.config.clone(), http, broker, clock, monotonic, random).await?;
    announce(&server, &resolved.config);
    tell_service_manager(NotifyState::Ready);

    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => server.reload(),
            () = server.lost.cancelled() => anyhow::bail!("stopped, because another server works on this database"),
        }
    }
    tell_service_manager(NotifyState::Stopping);
    eprintln!("Stopping …");
    tokio::select! {
        () = server.shutdown() => Ok(()),
        // Nothing acknowledged depends on an orderly end, so whoever is in a hurry may have it.
        _ = interrupt.recv() => anyhow::bail!("stopped at once"),
    }
}

/// Log lines go to standard error, and what they may tell is decided by the variable `TWINKEY_LOG`.
fn start_logging(format: LogFormat) {
    let filter =
        EnvFilter::try_from_env("TWINKEY_LOG").unwrap_or_else(|_| EnvFilter::new("info,sea_orm_migration=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        // The span is the request, with its correlation id; there are no others to list.
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).init(),
    }
}

/// Under systemd (`Type=notify`) a start counts as done, and what waits for it goes on, only when the server is ready.
/// Everywhere else there is nobody to tell.
fn tell_service_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}

async fn bind(address: &str, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} (choose another with {flag})"))
}

fn announce(server: &Server, config: &Config) {
    let endpoints = &server.endpoints;
    let mut lines = vec![
        "Twinkey is ready.".to_owned(),
        format!("  API      {url}          reference: {url}/docs", url = endpoints.url),
        format!("  Broker   {} (SASL_SSL, SCRAM-SHA-256), {}", endpoints.broker, server.app.broker.kind()),
    ];
    if let Some(first) = &server.first_start {
        let password = match &first.admin_password {
            Some(password) => format!("{}  (shown once)", **password),
            None => "as given".to_owned(),
        };
        lines.push(format!("  Admin    {}   password: {password}", first.admin_email));
    }
    let program = std::env::current_exe().map_or_else(|_| "twinkey".into(), |path| path.display().to_string());
    let mut try_it = vec![quoted(&program), "env".into(), server.some_workspace(&config.workspace)];
    if config.data_dir.as_os_str() != DEFAULT_DATA_DIR {
        try_it.extend(["--data-dir".into(), quoted(&config.data_dir.display().to_string())]);
    }
    lines.push(format!("  Try it   eval \"$({})\" && python examples/hello_quix.py", try_it.join(" ")));
    // A closed standard output (a service manager, say) is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{}", lines.join("\n"));
}
