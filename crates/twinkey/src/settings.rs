//! The server's settings: flag, then variable, then `twinkey.toml`, then default.

use std::{fs, net::IpAddr, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use twinkey_server::{
    audit::checkpointer::{self, CheckpointSettings},
    http::{HttpSettings, proxies::TrustedProxies, tls::TlsFiles},
    keys::MasterKeySource,
    rekeying,
    replicas::{LEASE, LEASE_MAX, LEASE_MIN, ReplicaMode},
    sign_in,
    start::Config,
    webhooks::WebhookSettings,
};

use crate::{kafka_settings::KafkaArgs, mail_settings::MailArgs, oidc_settings::OidcArgs};

/// Everything `twinkey serve` can be told. Each setting is a flag, a variable, or a line of twinkey.toml (the flag's name
/// without the dashes in front).
///
/// Example: twinkey serve --listen 0.0.0.0:8080 --broker-listen 0.0.0.0:9092 --broker-advertise kafka.example.org
#[derive(Args, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[expect(clippy::doc_markdown, reason = "the comments are the help text, where backticks would be noise")]
pub struct Settings {
    /// A file with settings [default: twinkey.toml in the current directory, if there is one]
    #[arg(long, env = "TWINKEY_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,

    /// Where the API listens; port 0 takes any free one [default: 127.0.0.1:8080]
    #[arg(long, env = "TWINKEY_LISTEN", value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<String>,

    /// A file with the API's certificate (PEM, followed by those that lead to its CA): HTTPS instead of HTTP. Read again
    /// when it changes, and at SIGHUP
    #[arg(long, env = "TWINKEY_TLS_CERTIFICATE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_certificate: Option<PathBuf>,

    /// A file with the private key of that certificate (PEM)
    #[arg(long, env = "TWINKEY_TLS_KEY", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<PathBuf>,

    /// The reverse proxies, as addresses or networks with commas between, whose X-Forwarded-For is believed, for the audit log
    /// and for the limits on sign-ins
    /// [default: none]
    #[arg(long, env = "TWINKEY_TRUSTED_PROXIES", value_name = "NETWORKS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_proxies: Option<String>,

    /// How many seconds a server that was told to stop goes on serving, while /readyz tells load balancers to send nothing more
    /// [default: 0]
    #[arg(long, env = "TWINKEY_DRAIN_DELAY", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    drain_delay: Option<u16>,

    /// How clients reach the API [default: http://localhost:{port}, https:// with a certificate]
    #[arg(long, env = "TWINKEY_PUBLIC_URL", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,

    /// Where everything is kept that has to survive [default: twinkey-data]
    #[arg(long, env = "TWINKEY_DATA_DIR", value_name = "DIRECTORY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,

    /// The database: sqlite://FILE or postgres://USER@HOST:PORT/DATABASE, with sslmode and sslrootcert as parameters; the
    /// password better in the variable than on the command line [default: SQLite, twinkey.db in the data directory]
    #[arg(long, env = "TWINKEY_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,

    /// The file with the master key; the variable TWINKEY_MASTER_KEY may hold the key itself instead
    /// [default: master.key in the data directory, made at the first start]
    #[arg(long, env = "TWINKEY_MASTER_KEY_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    master_key_file: Option<PathBuf>,

    /// While the master key is being changed: the file with the other key; the variable TWINKEY_PREVIOUS_MASTER_KEY may hold the
    /// key itself instead. See docs/rekeying.md
    #[arg(long, env = "TWINKEY_PREVIOUS_MASTER_KEY_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_master_key_file: Option<PathBuf>,

    /// Where the embedded broker listens; port 0 takes any free one [default: 127.0.0.1:9092]
    #[arg(long, env = "TWINKEY_BROKER_LISTEN", value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    broker_listen: Option<String>,

    /// How clients reach the broker [default: localhost:{port}]
    #[arg(long, env = "TWINKEY_BROKER_ADVERTISE", value_name = "HOST[:PORT]")]
    #[serde(skip_serializing_if = "Option::is_none")]
    broker_advertise: Option<String>,

    #[command(flatten)]
    #[serde(flatten)]
    kafka: KafkaArgs,

    #[command(flatten)]
    #[serde(flatten)]
    mail: MailArgs,

    #[command(flatten)]
    #[serde(flatten)]
    oidc: OidcArgs,

    /// Let this installation leave the broker that it was bound to for the one that it is started with. Topics, records and
    /// groups stay behind; every valid token gets a principal on the other broker
    #[arg(long, env = "TWINKEY_ADOPT_BROKER")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    adopt_broker: bool,

    /// With several replicas: for how many milliseconds one trusts its memory without having asked the database what is new.
    /// A rotation waits a little longer than that for a replica that does not answer [default: 500, at least 100, at most
    /// 2000]
    #[arg(long, env = "TWINKEY_REPLICA_LEASE", value_name = "MILLISECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    replica_lease: Option<u64>,

    /// How many seconds pass between signed checkpoints of the audit log [default: 300]
    #[arg(long, env = "TWINKEY_AUDIT_CHECKPOINT_EVERY", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_checkpoint_every: Option<u32>,

    /// The file that checkpoints are appended to, outside the database; best on storage that this server can only append to
    /// [default: audit-checkpoints.jsonl in the data directory]
    #[arg(long, env = "TWINKEY_AUDIT_CHECKPOINT_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_checkpoint_file: Option<PathBuf>,

    /// Let webhooks point to internal addresses (loopback, private and link-local networks), and to http:// URLs. Whoever is
    /// Admin of a workspace can then make this server call what only it can reach
    #[arg(long, env = "TWINKEY_WEBHOOK_ALLOW_PRIVATE")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    webhook_allow_private: bool,

    /// For how many minutes after a sign-in a session may reveal tokens and make personal access tokens; then the password has to be
    /// confirmed. 0 asks never [default: 15]
    #[arg(long, env = "TWINKEY_CONFIRM_PASSWORD_AFTER", value_name = "MINUTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm_password_after: Option<u16>,

    /// How log lines look on standard error: text, or json for machines [default: text]
    #[arg(long, env = "TWINKEY_LOG_FORMAT", value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<LogFormat>,

    /// The address of the administrator that the first start makes [default: admin@localhost]
    #[arg(long, env = "TWINKEY_ADMIN_EMAIL", value_name = "EMAIL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_email: Option<String>,

    /// A file with that administrator's password; the variable TWINKEY_ADMIN_PASSWORD may hold the password itself instead
    /// [default: a random one, printed once]
    #[arg(long, env = "TWINKEY_ADMIN_PASSWORD_FILE", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_password_file: Option<PathBuf>,

    /// The organisation that the first start makes [default: demo]
    #[arg(long, env = "TWINKEY_ORGANISATION", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<String>,

    /// The workspace that the first start makes [default: demo]
    #[arg(long, env = "TWINKEY_WORKSPACE", value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object for each line.
    Json,
}

/// Settings with everything filled in.
pub struct Resolved {
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where the API listens.
    pub listen: String,
    /// Where the embedded broker listens; not used with Apache Kafka.
    pub broker_listen: String,
    /// The rest, as the server takes it.
    pub config: Config,
}

/// The data directory when nothing else is said; the command line looks here for the local server's credential too.
pub const DEFAULT_DATA_DIR: &str = "twinkey-data";

impl Settings {
    /// Puts the file below what was given as flags and variables, and the defaults below both.
    pub fn resolve(self) -> anyhow::Result<Resolved> {
        let file = match &self.config {
            Some(path) if !path.exists() => bail!("the settings file {} does not exist", path.display()),
            Some(path) => path.clone(),
            None => PathBuf::from("twinkey.toml"),
        };
        let from_file = if file.exists() { Figment::from(Toml::file_exact(&file)) } else { Figment::new() };
        let settings: Self = from_file
            .merge(Serialized::defaults(&self))
            .extract()
            .with_context(|| format!("the settings file {} cannot be used", file.display()))?;
        let data_dir = settings.data_dir.unwrap_or_else(|| DEFAULT_DATA_DIR.into());
        let master_key = match (secret_variable("TWINKEY_MASTER_KEY"), settings.master_key_file) {
            (Some(key), _) => Some(MasterKeySource::Value(key.into())),
            (None, path) => path.map(MasterKeySource::File),
        };
        let previous_master_key = match secret_variable("TWINKEY_PREVIOUS_MASTER_KEY") {
            Some(key) => Some(MasterKeySource::PreviousValue(key.into())),
            None => settings.previous_master_key_file.map(MasterKeySource::File),
        };
        let admin_password = match (secret_variable("TWINKEY_ADMIN_PASSWORD"), settings.admin_password_file) {
            (Some(password), _) => Some(password),
            (None, Some(path)) => {
                let text = fs::read_to_string(&path);
                let text =
                    text.with_context(|| format!("cannot read the administrator's password from {}", path.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => None,
        };
        if admin_password.as_ref().is_some_and(|password| password.len() < 8) {
            bail!("the administrator's password must have at least 8 characters");
        }
        let kafka = settings.kafka.resolve()?;
        // The embedded broker is in this process and asks its memory, so there can be only one server with it.
        let replicas = if kafka.is_some() { ReplicaMode::Leased } else { ReplicaMode::Exclusive };
        let http = HttpSettings {
            tls: tls_files(settings.tls_certificate, settings.tls_key)?,
            trusted_proxies: trusted_proxies(settings.trusted_proxies.as_deref().unwrap_or_default())?,
            drain_delay: Duration::from_secs(settings.drain_delay.unwrap_or(0).into()),
        };
        let config = Config {
            http,
            data_dir,
            database_url: settings.database_url,
            master_key,
            previous_master_key,
            rekey_every: rekeying::EVERY,
            public_url: settings.public_url.map(|url| url.trim_end_matches('/').to_owned()),
            broker_advertise: host_and_port(settings.broker_advertise.as_deref().unwrap_or("localhost"))?,
            kafka,
            adopt_broker: settings.adopt_broker,
            admin_email: settings.admin_email.unwrap_or_else(|| "admin@localhost".into()),
            admin_password: admin_password.map(Into::into),
            organisation: settings.organisation.unwrap_or_else(|| "demo".into()),
            workspace: settings.workspace.unwrap_or_else(|| "demo".into()),
            mail: settings.mail.resolve()?,
            oidc: settings.oidc.resolve()?,
            replicas,
            replica_lease: replica_lease(settings.replica_lease)?,
            checkpoints: CheckpointSettings {
                every: checkpoint_every(settings.audit_checkpoint_every)?,
                file: settings.audit_checkpoint_file,
            },
            confirm_password_after: match settings.confirm_password_after {
                None => Some(sign_in::CONFIRM_AFTER),
                Some(0) => None,
                Some(minutes) => Some(Duration::from_mins(minutes.into())),
            },
            webhooks: WebhookSettings { allow_private: settings.webhook_allow_private, ..WebhookSettings::default() },
        };
        Ok(Resolved {
            log_format: settings.log_format.unwrap_or_default(),
            listen: settings.listen.unwrap_or_else(|| "127.0.0.1:8080".into()),
            broker_listen: settings.broker_listen.unwrap_or_else(|| "127.0.0.1:9092".into()),
            config,
        })
    }
}

/// A secret that may only come as a variable: not a flag, because process lists show those.
pub fn secret_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn tls_files(certificate: Option<PathBuf>, key: Option<PathBuf>) -> anyhow::Result<Option<TlsFiles>> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => bail!("--tls-certificate needs --tls-key too"),
        (None, Some(_)) => bail!("--tls-key needs --tls-certificate too"),
    }
}

fn trusted_proxies(text: &str) -> anyhow::Result<TrustedProxies> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let networks = entries.map(|entry| {
        let network = entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
        network
            .with_context(|| format!("--trusted-proxies: {entry} is neither an address nor a network like 10.0.0.0/8"))
    });
    Ok(TrustedProxies::new(networks.collect::<anyhow::Result<_>>()?))
}

fn checkpoint_every(seconds: Option<u32>) -> anyhow::Result<Duration> {
    match seconds {
        None => Ok(checkpointer::EVERY),
        Some(0) => bail!("--audit-checkpoint-every must be at least 1 second"),
        Some(seconds) => Ok(Duration::from_secs(seconds.into())),
    }
}

fn replica_lease(milliseconds: Option<u64>) -> anyhow::Result<Duration> {
    let lease = milliseconds.map_or(LEASE, Duration::from_millis);
    if !(LEASE_MIN..=LEASE_MAX).contains(&lease) {
        let (least, most) = (LEASE_MIN.as_millis(), LEASE_MAX.as_millis());
        bail!("--replica-lease {} must be at least {least} and at most {most} milliseconds", lease.as_millis());
    }
    Ok(lease)
}

fn host_and_port(text: &str) -> anyhow::Result<(String, Option<u16>)> {
    let invalid = || format!("--broker-advertise {text} is not HOST or HOST:PORT");
    match text.rsplit_once(':') {
        // Of an IPv6 address the last group would be taken for the port; clients are better told a name anyway.
        Some((host, port)) if !host.is_empty() && !host.contains(':') => {
            Ok((host.to_owned(), Some(port.parse().with_context(invalid)?)))
        }
        None if !text.is_empty() => Ok((text.to_owned(), None)),
        _ => bail!(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_over_file_over_default() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = directory.path().join("some.toml");
        fs::write(&file, "listen = '127.0.0.1:1'\nworkspace = 'from-file'\n").expect("written");
        let flags = Settings { config: Some(file), workspace: Some("from-flag".into()), ..Settings::default() };
        let resolved = flags.resolve().expect("valid");
        assert_eq!(resolved.listen, "127.0.0.1:1");
        assert_eq!(resolved.config.workspace, "from-flag");
        assert_eq!(resolved.config.organisation, "demo");
    }

    #[test]
    fn an_unknown_line_is_refused_by_name() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = directory.path().join("some.toml");
        fs::write(&file, "lisen = '127.0.0.1:1'\n").expect("written");
        let flags = Settings { config: Some(file), ..Settings::default() };
        let error = format!("{:#}", flags.resolve().err().expect("refused"));
        assert!(error.contains("lisen"), "{error}");
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        assert!(trusted_proxies("").is_ok() && trusted_proxies("10.0.0.0/8, 127.0.0.1,::1,fd00::/8").is_ok());
        for text in ["localhost", "10.0.0.0/33", "10.0.0.0/8 127.0.0.1", "10.0.0.1:80"] {
            let error = trusted_proxies(text).expect_err("refused").to_string();
            assert!(error.contains("neither an address nor a network"), "{error}");
        }
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let flags = Settings { tls_certificate: Some("cert.pem".into()), ..Settings::default() };
        assert!(flags.resolve().err().expect("refused").to_string().contains("--tls-key"));
    }

    #[test]
    fn a_provider_must_be_encrypted() {
        let resolve = |line: &str| {
            let directory = tempfile::tempdir().expect("temporary directory");
            let file = directory.path().join("some.toml");
            fs::write(&file, format!("{line}\noidc-client-id = 'twinkey'\n")).expect("written");
            Settings { config: Some(file), ..Settings::default() }.resolve().map(|resolved| resolved.config.oidc)
        };
        for url in ["https://id.example.org", "http://localhost:8080"] {
            assert!(resolve(&format!("oidc-issuer = '{url}'")).expect("valid").is_some());
        }
        for url in ["http://id.example.org", "id.example.org"] {
            assert!(resolve(&format!("oidc-issuer = '{url}'")).is_err(), "{url}");
        }
        assert!(resolve("smtp-url = 'smtp://localhost'").err().expect("refused").to_string().contains("--smtp-from"));
    }

    #[test]
    fn advertised_hosts() {
        assert_eq!(host_and_port("a.example:9").expect("valid"), ("a.example".into(), Some(9)));
        assert_eq!(host_and_port("a.example").expect("valid"), ("a.example".into(), None));
        assert!(
            host_and_port("a:b").is_err()
                && host_and_port("::1").is_err()
                && host_and_port("").is_err()
                && host_and_port(":1").is_err()
        );
    }
}
