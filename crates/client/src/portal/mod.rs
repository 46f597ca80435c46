//! The HTTP API as the client needs it: one connection, bounded times, and retries of what may succeed.

mod http;
mod tls;

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};

use self::tls::{insecure, is_local, tls};
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
