//! The HTTP API as the client needs it: one connection, bounded times, and retries of what may succeed.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Method, StatusCode, Url};
use rustls_platform_verifier::BuilderVerifierExt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, SdkToken, topic::TopicSettings};

/// How long one attempt may take; the whole call has a limit of its own.
const ATTEMPT: Duration = Duration::from_secs(5);
/// How long one attempt may take to connect.
const CONNECT: Duration = Duration::from_secs(3);

/// The HTTP API at one address.
pub(crate) struct Portal {
    http: reqwest::Client,
    /// Without a slash at the end.
    pub(crate) address: String,
    limit: Duration,
}

/// What is read of a workspace.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Workspace {
    workspace_id: String,
}

/// A topic as the API describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TopicDescription {
    /// Its name on the broker, `{workspace}-{name}`.
    pub id: String,
    /// Its name inside the workspace.
    pub name: String,
    /// `Ready`, `Creating`, `Deleting` or `Error`; other words of later servers are passed on.
    #[serde(default)]
    pub status: String,
    /// What is wrong, where the status is `Error`.
    #[serde(default)]
    pub last_error: Option<String>,
    /// Its settings.
    #[serde(default)]
    pub configuration: TopicSettings,
}

#[derive(Serialize)]
struct NewTopic<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<&'a TopicSettings>,
}

#[derive(Deserialize, Default)]
struct ErrorBody {
    message: Option<String>,
    code: Option<String>,
}

impl Portal {
    /// The API at `address`, whose calls take `limit` at most, retries included.
    pub(crate) fn new(address: &str, limit: Duration) -> Result<Self, Error> {
        let bad = || Error::BadApi(address.to_owned());
        let url = Url::parse(address).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(bad());
        }
        let builder = reqwest::Client::builder()
            .timeout(ATTEMPT)
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("twinkey-client/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(
                tls(&url)
                    .map_err(|error| Error::ApiCertificate { api: address.to_owned(), reason: error.to_string() })?,
            );
        // A proxy that the environment names cannot reach this machine, and would be shown the token.
        let http = if is_local(&url) { builder.no_proxy() } else { builder }.build().map_err(|_| bad())?;
        let address = address.trim_end_matches('/').to_owned();
        if let Some(warning) = insecure(&url) {
            tracing::warn!("{warning}");
        }
        Ok(Self { http, address, limit })
    }

    /// The workspaces that the token gives access to.
    pub(crate) async fn workspaces(&self, token: &SdkToken) -> Result<Vec<String>, Error> {
        let list: Vec<Workspace> = self.call(token, Method::GET, "/workspaces", None::<&()>).await?;
        Ok(list.into_iter().map(|workspace| workspace.workspace_id).collect())
    }

    /// The broker's address, credentials and CA, as librdkafka settings.
    pub(crate) async fn librdkafka(
        &self,
        token: &SdkToken,
        workspace: &str,
    ) -> Result<BTreeMap<String, String>, Error> {
        let path = format!("/workspaces/{workspace}/broker/librdkafka");
        let answer: BTreeMap<String, Option<String>> = self
            .call(token, Method::GET, &path, None::<&()>)
            .await
            .map_err(|error| of_workspace(error, token, workspace))?;
        let mut settings = BTreeMap::new();
        for (key, value) in answer {
            match (key.as_str(), value) {
                (_, None) => {}
                ("ssl.ca.cert", Some(value)) => {
                    let pem = BASE64_STANDARD.decode(&value).ok().and_then(|pem| String::from_utf8(pem).ok());
                    let pem =
                        pem.ok_or_else(|| self.unexpected(&Method::GET, &path, "ssl.ca.cert is not base64 of PEM"))?;
                    settings.insert("ssl.ca.pem".into(), pem);
                }
                (_, Some(value)) => {
                    settings.insert(key, value);
                }
            }
        }
        if !settings.contains_key("bootstrap.servers") {
            return Err(self.unexpected(&Method::GET, &path, "bootstrap.servers is missing"));
        }
        Ok(settings)
    }

    /// All topics of the workspace.
    pub(crate) async fn topics(&self, token: &SdkToken, workspace: &str) -> Result<Vec<TopicDescription>, Error> {
        let path = format!("/{workspace}/topics");
        let topics = self.call(token, Method::GET, &path, None::<&()>).await;
        topics.map_err(|error| of_workspace(error, token, workspace))
    }

    /// One topic, by name or id.
    pub(crate) async fn topic(
        &self,
        token: &SdkToken,
        workspace: &str,
        name: &str,
    ) -> Result<Option<TopicDescription>, Error> {
        let path = format!("/{workspace}/topics/{}", percent_encoded(name));
        match self.call(token, Method::GET, &path, None::<&()>).await {
            Ok(topic) => Ok(Some(topic)),
            Err(Error::Api { status: 404, .. }) => Ok(None),
            Err(error) => Err(of_workspace(error, token, workspace)),
        }
    }

    /// Creates a topic; `None` if somebody else was faster.
    pub(crate) async fn create_topic(
        &self,
        token: &SdkToken,
        workspace: &str,
        name: &str,
        settings: Option<&TopicSettings>,
    ) -> Result<Option<TopicDescription>, Error> {
        let body = NewTopic { name, configuration: settings };
        match self.call(token, Method::POST, &format!("/{workspace}/topics"), Some(&body)).await {
            Ok(topic) => Ok(Some(topic)),
            Err(Error::Api { message, .. }) if message.contains("already exists") => Ok(None),
            Err(error) => Err(of_workspace(error, token, workspace)),
        }
    }

    /// Sends a request, again and again while that can help and the limit is not reached. Every request here may be sent
    /// twice: creating a topic that exists is answered with a sentence of its own.
    async fn call<T: DeserializeOwned>(
        &self,
        token: &SdkToken,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        let last = std::sync::Mutex::new(None);
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .without_max_times()
            .with_jitter();
        let attempts = (|| self.once(token, &method, path, body)).retry(backoff).when(Error::is_transient).notify(
            |error, delay| {
                tracing::debug!("{error}; trying again in {delay:?}");
                *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error.clone());
            },
        );
        let outcome = tokio::time::timeout(self.limit, attempts).await;
        let last = last.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        outcome.unwrap_or_else(|_| {
            Err(last.unwrap_or_else(|| Error::ApiUnreachable {
                api: self.address.clone(),
                reason: format!("no answer within {:?}", self.limit),
            }))
        })
    }

    async fn once<T: DeserializeOwned>(
        &self,
        token: &SdkToken,
        method: &Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.address))
            .bearer_auth(token.expose())
            .header("X-Version", "2.0");
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.transport(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.transport(&error))?;
        if status.is_success() {
            return serde_json::from_str(&text).map_err(|error| self.unexpected(method, path, &error.to_string()));
        }
        let body: ErrorBody = serde_json::from_str(&text).unwrap_or_default();
        let message = body.message.unwrap_or_else(|| text.chars().take(200).collect());
        if status == StatusCode::UNAUTHORIZED {
            let (token, api) = (token.masked(), self.address.clone());
            let rotated_out = body.code.as_deref() == Some("TokenRotatedOut");
            return Err(if rotated_out {
                Error::TokenRotatedOut { token, message }
            } else {
                Error::TokenUnknown { token, api }
            });
        }
        Err(Error::Api { status: status.as_u16(), request: format!("{method} {path}"), message })
    }

    fn unexpected(&self, method: &Method, path: &str, why: &str) -> Error {
        let message =
            format!("which is not how this API is known to answer ({why}); is {} the right one?", self.address);
        Error::Api { status: 200, request: format!("{method} {path}"), message }
    }

    fn transport(&self, error: &reqwest::Error) -> Error {
        let api = self.address.clone();
        let mut reasons = Vec::new();
        let mut certificate = false;
        let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
        while let Some(error) = cause {
            certificate |= matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)));
            // An I/O error is its own cause's text again.
            let text = error.to_string();
            if reasons.last() != Some(&text) {
                reasons.push(text);
            }
            // `io::Error::source` skips the error that it wraps.
            cause = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        let reason = match reasons.pop() {
            _ if error.is_timeout() => format!("no answer within {ATTEMPT:?}"),
            Some(reason) => reason,
            None => "the connection failed".into(),
        };
        if certificate { Error::ApiCertificate { api, reason } } else { Error::ApiUnreachable { api, reason } }
    }
}

/// An SDK token is refused with 403 for every other workspace.
fn of_workspace(error: Error, token: &SdkToken, workspace: &str) -> Error {
    match error {
        Error::Api { status: 403, message, .. } => {
            Error::OtherWorkspace { token: token.masked(), asked: workspace.to_owned(), message }
        }
        error => error,
    }
}

/// TLS with a provider of its own, so that a program need not install one. Without `https` nothing is verified, and the
/// machine's certificates are not loaded, which takes milliseconds.
fn tls(url: &Url) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(match url.scheme() {
        "https" => builder.with_platform_verifier()?.with_no_client_auth(),
        _ => builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
    })
}

fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
    })
}

/// What is to be said about an API that is reached without TLS over a network.
fn insecure(url: &Url) -> Option<String> {
    (url.scheme() == "http" && !is_local(url)).then(|| {
        format!(
            "the API at {}://{} is reached without TLS: everybody on the way can read the SDK token; use https",
            url.scheme(),
            url.host_str().unwrap_or_default()
        )
    })
}

/// For one segment of a path.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a String takes everything"),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_network_without_tls_is_warned_of() {
        let warned = |url: &str| insecure(&Url::parse(url).expect("a URL")).is_some();
        assert!(warned("http://twinkey.example.com") && warned("http://10.0.0.7:8080"));
        for fine in ["https://twinkey.example.com", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:1"] {
            assert!(!warned(fine), "{fine}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for bad in ["", "localhost:8080", "ftp://x", "http://"] {
            assert!(matches!(Portal::new(bad, ATTEMPT), Err(Error::BadApi(_))), "{bad}");
        }
    }

    #[test]
    fn names_are_encoded() {
        assert_eq!(percent_encoded("in put/ü"), "in%20put%2F%C3%BC");
    }
}
