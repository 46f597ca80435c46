//! `twinkey`: the server, and the command line that talks to one.

mod client;
mod commands;
mod kafka_settings;
mod mail_settings;
mod oidc_settings;
mod pinned;
mod serve;
mod settings;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// Two SDK tokens for each streaming workspace, and everything that turns one of them into a Kafka connection.
///
/// The commands other than `serve` talk to a running server. On the machine and account that started it they are signed in
/// already (cli.json in the data directory); elsewhere use `twinkey login`, or set TWINKEY_URL and TWINKEY_TOKEN.
#[derive(Parser)]
#[expect(clippy::doc_markdown, reason = "the comment is the help text, where backticks would be noise")]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<settings::Settings>),
    /// Print the variables that a Quix client needs, for `eval`, a .env file or a program
    Env(commands::env::Env),
    /// Sign in to a server on another machine
    Login(commands::login::Login),
    /// Show who you are, and with which credential
    Whoami(commands::whoami::Whoami),
    /// List members, invite, change roles, remove
    #[command(subcommand)]
    Members(commands::members::Members),
    /// List, withdraw and accept invitations
    #[command(subcommand)]
    Invitations(commands::invitations::Invitations),
    /// List, create and delete your personal access tokens
    #[command(subcommand)]
    Pats(commands::pats::Pats),
    /// List and end your sign-in sessions
    #[command(subcommand)]
    Sessions(commands::sessions::Sessions),
    /// Change your password; ends your other sessions
    Password(commands::password::Password),
    /// List, create, rename and delete workspaces
    #[command(subcommand)]
    Workspaces(commands::workspaces::Workspaces),
    /// Look at, rotate and verify SDK tokens
    #[command(subcommand)]
    Tokens(commands::tokens::Tokens),
    /// Send lines or JSON to a topic
    Produce(Box<commands::produce::Produce>),
    /// Print the messages of a topic
    Consume(Box<commands::consume::Consume>),
    /// List, describe and make topics; show how far a group is behind
    #[command(subcommand)]
    Topics(Box<commands::topics::Topics>),
    /// Check an Apache Kafka cluster, see how the broker is, clear up after dead tokens
    #[command(subcommand)]
    Broker(commands::broker::BrokerCommand),
    /// Make a master key, and follow the change to a new one
    #[command(subcommand)]
    Keys(commands::keys::Keys),
    /// Read, export and verify the audit log
    #[command(subcommand)]
    Audit(commands::audit::Audit),
    /// Tell other systems what happens to the tokens of a workspace
    #[command(subcommand)]
    Webhooks(commands::webhooks::Webhooks),
    /// Ask whether the server is ready, for health checks
    Ready(commands::ready::Ready),
    /// Move or back up the database
    #[command(subcommand)]
    Data(commands::data::Data),
    /// Print the completions of a shell
    Completions(commands::completions::Completions),
    /// Print the OpenAPI document
    #[command(hide = true)]
    Openapi,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The HTTP client asks for the process's provider; ring needs nothing but a C compiler to build.
    rustls::crypto::ring::default_provider().install_default().expect("nothing has installed one before");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(cli.command)));
    match result {
        Ok(code) => code,
        // Whoever reads the output has seen enough, as in `twinkey tokens show demo | head -1`. The status is the one of a
        // program that SIGPIPE ended, because a verdict that nobody read must not look like a success.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe) => {
            ExitCode::from(141)
        }
        Err(error) => {
            eprintln!("twinkey: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(settings) => serve::run(*settings).await?,
        Command::Env(command) => command.run().await?,
        Command::Login(command) => command.run().await?,
        Command::Whoami(command) => command.run().await?,
        Command::Members(command) => return command.run().await,
        Command::Invitations(command) => command.run().await?,
        Command::Pats(command) => command.run().await?,
        Command::Sessions(command) => command.run().await?,
        Command::Password(command) => command.run().await?,
        Command::Workspaces(command) => return command.run().await,
        Command::Tokens(command) => return command.run().await,
        Command::Produce(command) => return command.run().await,
        Command::Consume(command) => command.run().await?,
        Command::Topics(command) => command.run().await?,
        Command::Broker(command) => return command.run().await,
        Command::Keys(command) => command.run().await?,
        Command::Audit(command) => return command.run().await,
        Command::Webhooks(command) => command.run().await?,
        Command::Completions(command) => command.run::<Cli>()?,
        Command::Ready(command) => return command.run().await,
        Command::Data(command) => command.run().await?,
        Command::Openapi => writeln!(io::stdout(), "{}", twinkey_server::routes::openapi().to_pretty_json()?)?,
    }
    Ok(ExitCode::SUCCESS)
}
