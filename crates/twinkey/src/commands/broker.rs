//! `twinkey broker`.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use comfy_table::ContentArrangement;
use jiff::Timestamp;
use serde_json::json;
use twinkey_api::broker::{BrokerStatus, Prune, Pruned};
use twinkey_server::broker::{Kafka, kafka::Severity};

use super::table;
use crate::{client::ServerArgs, kafka_settings::KafkaArgs};

/// How long looking at a whole cluster may take.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Subcommand)]
pub enum BrokerCommand {
    /// Say what an Apache Kafka cluster lacks, before a server is started on it; exit status 1 if tokens would not work
    ///
    /// Asks the cluster itself, with the settings that `twinkey serve` takes, and changes nothing.
    #[command(after_help = "Example:\n  TWINKEY_KAFKA_PASSWORD=… twinkey broker check --kafka-bootstrap \
                            kafka-1.example.net:9093 --kafka-user twinkey --kafka-ca ca.pem")]
    Check {
        #[command(flatten)]
        kafka: Box<KafkaArgs>,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Show what the broker is, how the last reconciliation went, and which dead tokens may still be served
    Status {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Delete the credentials of names that have no rights any more; never needed, and not without risk
    ///
    /// Kafka 3.9 to 4.3 can forget ALL credentials of a SCRAM mechanism when a broker restarts after one was deleted: nobody can
    /// sign in by that mechanism on it until they are written again, neither Twinkey nor the brokers themselves. Names without
    /// rights cost some hundred bytes each and harm nobody. docs/kafka.md says what to see to first.
    Prune {
        /// Delete them; without it they are only listed
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show which installation the principals of a cluster belong to, and release the claim of one that is gone
    ///
    /// An installation claims its prefix at its first start, and others refuse to start with it. Release a claim only if that
    /// installation is gone for good: two that believe to own the same names take each other's tokens away.
    Release {
        #[command(flatten)]
        kafka: Box<KafkaArgs>,
        /// The installation whose claim is released; without it the claims are only listed
        #[arg(long, value_name = "ID")]
        installation: Option<String>,
    },
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

impl BrokerCommand {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check { kafka, output } => check(*kafka, output).await,
            Self::Status { server } => status(&server).await,
            Self::Prune { yes, server } => prune(yes, &server).await,
            Self::Release { kafka, installation } => release(*kafka, installation).await,
        }
    }
}

fn cluster(args: KafkaArgs) -> anyhow::Result<Kafka> {
    let settings = args.resolve()?.context("which cluster? Name some of its brokers with --kafka-bootstrap")?;
    Ok(Kafka::new(settings)?)
}

async fn check(args: KafkaArgs, output: Output) -> anyhow::Result<ExitCode> {
    let kafka = cluster(args)?;
    #[expect(clippy::disallowed_methods, reason = "certificates are valid or not at this moment")]
    let now = Timestamp::now().as_second();
    let report = tokio::time::timeout(PATIENCE, kafka.cluster.check(now)).await;
    let report = report.with_context(|| format!("the cluster did not answer within {} seconds", PATIENCE.as_secs()))?;
    if output == Output::Json {
        let findings = report.findings.iter().map(|finding| {
            json!({"severity": word(finding.severity), "subject": finding.subject, "sentence": finding.sentence})
        });
        let findings: Vec<_> = findings.collect();
        let text = json!({"result": word(report.worst()), "findings": findings});
        writeln!(std::io::stdout(), "{text:#}")?;
    } else {
        let mut table = table(&["", "WHAT", "FOUND"]);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        for finding in &report.findings {
            table.add_row([word(finding.severity), finding.subject, &finding.sentence]);
        }
        writeln!(std::io::stdout(), "{table}")?;
    }
    Ok(if report.worst() == Severity::Problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "ok",
        Severity::Warning => "warning",
        Severity::Problem => "problem",
    }
}

async fn status(server: &ServerArgs) -> anyhow::Result<ExitCode> {
    let status: BrokerStatus = server.connect()?.get("/broker/status").await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}, {}", status.kind, status.address)?;
    if let Some(id) = &status.cluster_id {
        writeln!(out, "cluster {id}")?;
        let mut table = table(&["BROKER", "ADDRESS", ""]);
        for broker in status.brokers {
            table.add_row([broker.id.to_string(), broker.address, if broker.fenced { "fenced" } else { "" }.into()]);
        }
        writeln!(out, "{table}")?;
    }
    if let Some(error) = &status.error {
        writeln!(out, "The cluster cannot be asked: {error}")?;
    }
    match &status.last_reconciliation {
        Some(last) => {
            let repairs: Vec<_> = last.repairs().into_iter().filter(|(_, count)| *count > 0).collect();
            let mended = match repairs.as_slice() {
                [] => "nothing to mend".to_owned(),
                some => some.iter().map(|(kind, count)| format!("{kind}: {count}")).collect::<Vec<_>>().join(", "),
            };
            writeln!(out, "Last reconciliation {}, in {} ms: {mended}", last.at, last.took_ms)?;
            if let Some(error) = &last.error {
                writeln!(out, "  not finished: {error}")?;
            }
        }
        None => writeln!(out, "No reconciliation by this server yet; another replica may do it")?,
    }
    if !status.names_without_rights.is_empty() {
        writeln!(
            out,
            "Names without rights: {} (harmless; see `twinkey broker prune --help`)",
            status.names_without_rights.len()
        )?;
    }
    for token in &status.open_cut_offs {
        writeln!(
            out,
            "Token {} of {} was deactivated at {}, and it is NOT proved yet that no broker serves it:",
            token.id, token.workspace_id, token.deactivated_at
        )?;
        super::tokens::tell_open(&token.open)?;
    }
    Ok(if status.error.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn prune(yes: bool, server: &ServerArgs) -> anyhow::Result<ExitCode> {
    let client = server.connect()?;
    let status: BrokerStatus = client.get("/broker/status").await?;
    for name in &status.names_without_rights {
        writeln!(std::io::stdout(), "{name}")?;
    }
    if !yes {
        eprintln!(
            "{} names without rights. They harm nobody. Deleting them can lock everybody out of the cluster at the next restart \
             of a broker; read docs/kafka.md first, then repeat this with --yes",
            status.names_without_rights.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let pruned: Pruned = client.post("/broker/prune", &Prune { i_know_the_risk: true }).await?;
    eprintln!("Deleted the credentials of {} names.", pruned.names.len());
    Ok(ExitCode::SUCCESS)
}

async fn release(args: KafkaArgs, installation: Option<String>) -> anyhow::Result<ExitCode> {
    let kafka = cluster(args)?;
    let prefix = &kafka.settings.principal_prefix;
    let claims = kafka.cluster.claims(prefix).await?;
    match installation {
        None if claims.is_empty() => writeln!(std::io::stdout(), "No installation claims the principals {prefix}…")?,
        None => {
            for id in &claims {
                writeln!(std::io::stdout(), "{id}")?;
            }
            if std::io::stdout().is_terminal() {
                eprintln!("These installations claim the principals {prefix}…; release one with --installation ID");
            }
        }
        Some(id) if claims.contains(&id) => {
            kafka.cluster.release(prefix, &id).await?;
            writeln!(std::io::stdout(), "The installation {id} does not claim the principals {prefix}… any more")?;
        }
        Some(id) => bail!("no installation {id} claims the principals {prefix}…; it is {}", claims.join(", ")),
    }
    Ok(ExitCode::SUCCESS)
}
