//! The command line's connection to a server: where it is, who we are, and one way to call it.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use twinkey_api::error::ErrorBody;
use twinkey_server::{cli_credential::CliCredential, random::Random, start::Endpoints};

use crate::{pinned, settings::DEFAULT_DATA_DIR};

/// How long an answer may take that comes piece by piece.
const LONG_ANSWER: Duration = Duration::from_hours(24);
/// Entries that are asked for at a time.
const PAGE: usize = 1000;
/// The pauses before a change is sent again that was not answered.
const RETRIES: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];

/// Which server to talk to.
#[derive(Args)]
pub struct ServerArgs {
    /// The data directory of a server on this machine [default: twinkey-data]
    #[arg(long, env = "TWINKEY_DATA_DIR", value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
}

/// A server, and the credential that it is called with.
pub struct Client {
    http: reqwest::Client,
    credential: CliCredential,
    /// The URL that clients of the server use; differs from the credential's behind a proxy.
    pub public_url: String,
}

impl ServerArgs {
    /// Finds the server: `TWINKEY_URL` with `TWINKEY_TOKEN`, then the local one, then where `twinkey login` signed in.
    pub fn connect(&self) -> anyhow::Result<Client> {
        match (variable("TWINKEY_URL"), variable("TWINKEY_TOKEN")) {
            (Some(url), Some(token)) => {
                let url = url.trim_end_matches('/').to_owned();
                return Client::new(CliCredential { url, token, certificate: None }, None);
            }
            (None, None) => {}
            // Else a command that was meant for one server would go to another one.
            (Some(_), None) => bail!("TWINKEY_URL is set and TWINKEY_TOKEN is not; set both, or neither"),
            (None, Some(_)) => bail!("TWINKEY_TOKEN is set and TWINKEY_URL is not; set both, or neither"),
        }
        let directory = self.data_dir.clone().unwrap_or_else(|| DEFAULT_DATA_DIR.into());
        if let Some(credential) = read(&directory.join("cli.json"))? {
            let endpoints = fs::read(directory.join("endpoints.json")).ok();
            let endpoints = endpoints.and_then(|text| serde_json::from_slice::<Endpoints>(&text).ok());
            return Client::new(credential, endpoints.map(|endpoints| endpoints.url));
        }
        if self.data_dir.is_none()
            && let Some(credential) = read(&login_file()?)?
        {
            return Client::new(credential, None);
        }
        bail!(
            "there is no server's credential in {} and you are not signed in elsewhere; start a server with `twinkey serve`, \
             name its directory with --data-dir, or sign in with `twinkey login URL`",
            directory.display()
        )
    }
}

impl Client {
    /// A client for `credential`.
    pub fn new(credential: CliCredential, public_url: Option<String>) -> anyhow::Result<Self> {
        let public_url = public_url.unwrap_or_else(|| credential.url.clone());
        Ok(Self { http: http_client(&credential.url, credential.certificate.as_deref())?, credential, public_url })
    }

    /// `GET path`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.send(self.request(Method::GET, path)).await
    }

    /// `GET path` with a query.
    pub async fn get_with<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<T> {
        self.send(self.request(Method::GET, path).query(query)).await
    }

    /// `GET path` of a route whose answer is too long to wait for its end.
    pub async fn open(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<reqwest::Response> {
        let request = self.request(Method::GET, path).query(query).timeout(LONG_ANSWER);
        successful(request, &self.credential.url).await
    }

    /// `GET path` of a route that answers text.
    pub async fn get_text(&self, path: &str) -> anyhow::Result<String> {
        answer_text(self.request(Method::GET, path), &self.credential.url).await
    }

    /// `POST path` with a JSON body.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// `PATCH path` with a JSON body.
    pub async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// `DELETE path` with a JSON body.
    pub async fn delete_confirmed<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.send(self.request(Method::DELETE, path).json(body)).await
    }

    /// `PUT path` with a JSON body.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// `POST path` with a JSON body, to a route that answers nothing.
    pub async fn post_nothing(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        answer_text(self.request(Method::POST, path).json(body), &self.credential.url).await.map(drop)
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> anyhow::Result<()> {
        answer_text(self.request(Method::DELETE, path), &self.credential.url).await.map(drop)
    }

    /// Every page of a list. `parameter` is its parameter for the next page, `cursor` what to give it for the last entry.
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        parameter: &str,
        cursor: impl Fn(&T) -> &str,
    ) -> anyhow::Result<Vec<T>> {
        let limit = PAGE.to_string();
        let (mut all, mut query) = (Vec::new(), vec![("limit", limit)]);
        loop {
            let encoded = reqwest::Url::parse_with_params("http://localhost", &query)?;
            let page: Vec<T> = self.get(&format!("{path}?{}", encoded.query().unwrap_or_default())).await?;
            let last = page.last().filter(|_| page.len() == PAGE).map(|last| cursor(last).to_owned());
            all.extend(page);
            let Some(last) = last else { return Ok(all) };
            query.truncate(1);
            query.push((parameter, last));
        }
    }

    /// `POST path` of a change that must not happen twice: sent again with the same key while no answer comes, it has the same
    /// answer again.
    pub async fn post_once<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let key = Random::from_system().id();
        let request = || self.request(Method::POST, path).json(body).header("Idempotency-Key", &key);
        for pause in RETRIES {
            match self.send(request()).await {
                Err(error) if error.downcast_ref::<reqwest::Error>().is_some() => tokio::time::sleep(pause).await,
                answered => return answered,
            }
        }
        self.send(request()).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.credential.url)).bearer_auth(&self.credential.token)
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        answer(request, &self.credential.url).await
    }
}

/// The server does not rotate a token away that is in use.
#[derive(Debug, thiserror::Error)]
#[error("{} (correlation id {})", .0.message, .0.correlation_id)]
pub struct InUse(pub ErrorBody);

/// The server wants the password of this session confirmed first.
#[derive(Debug, thiserror::Error)]
#[error("{} (correlation id {})", .0.message, .0.correlation_id)]
pub struct ConfirmFirst(pub ErrorBody);

/// Sends a request and reads the answer; an error of the server becomes its own sentence.
pub async fn answer<T: DeserializeOwned>(request: RequestBuilder, url: &str) -> anyhow::Result<T> {
    let text = answer_text(request, url).await?;
    serde_json::from_str(&text).with_context(|| format!("{url} does not answer like a Twinkey server"))
}

async fn answer_text(request: RequestBuilder, url: &str) -> anyhow::Result<String> {
    successful(request, url).await?.text().await.context("the answer broke off")
}

/// Sends a request; an answer that is no success becomes the server's own sentence.
async fn successful(request: RequestBuilder, url: &str) -> anyhow::Result<reqwest::Response> {
    let response = request.send().await.with_context(|| format!("no server answers at {url}; is it running?"))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let text = response.text().await.context("the answer broke off")?;
    match serde_json::from_str::<ErrorBody>(&text) {
        Ok(error) if error.safe_to_rotate.is_some() => Err(InUse(error).into()),
        Ok(error) if error.code == "PasswordConfirmationNeeded" => Err(ConfirmFirst(error).into()),
        Ok(_) if status == StatusCode::UNAUTHORIZED => {
            bail!("the server does not accept this credential any longer; sign in again with `twinkey login {url}`")
        }
        Ok(error) => bail!("{} (correlation id {})", error.message, error.correlation_id),
        Err(_) => bail!("{url} answered {status}, which is not how a Twinkey server answers"),
    }
}

/// An HTTP client for the server at `url`, with a time limit. A server on this machine is reached directly: a proxy that the
/// environment names could not reach it, and would be shown the credential. With `certificate`, exactly that one is accepted.
pub fn http_client(url: &str, certificate: Option<&str>) -> anyhow::Result<reqwest::Client> {
    let host = reqwest::Url::parse(url).ok().and_then(|url| Some(url.host_str()?.to_owned()));
    let local = host.is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    });
    let builder = reqwest::Client::builder().timeout(Duration::from_mins(1));
    let builder = match certificate {
        Some(certificate) => builder.tls_backend_preconfigured(pinned::client_config(certificate)?),
        None => builder,
    };
    Ok(if local { builder.no_proxy() } else { builder }.build()?)
}

/// A variable of the environment that is not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where `twinkey login` keeps its credential: `$XDG_CONFIG_HOME/twinkey` or `~/.config/twinkey`.
pub fn login_file() -> anyhow::Result<PathBuf> {
    let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")));
    Ok(base.context("neither XDG_CONFIG_HOME nor HOME is set")?.join("twinkey").join("login.json"))
}

/// Writes a credential file that only this account can read.
pub fn write_credential(path: &Path, credential: &CliCredential) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(failed)?;
    }
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).with_context(failed)?;
    file.write_all(&serde_json::to_vec(credential)?).with_context(failed)
}

fn read(path: &Path) -> anyhow::Result<Option<CliCredential>> {
    match fs::read(path) {
        Ok(text) => {
            let credential = serde_json::from_slice(&text);
            Ok(Some(credential.with_context(|| format!("{} is not a credential file", path.display()))?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
