//! One attempt to deliver.

use std::{error::Error, time::Duration};

use jiff::Timestamp;
use reqwest::{StatusCode, header, redirect};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use super::{
    WebhookSettings, address,
    secret::{WebhookSecret, sign_with_all},
};

/// For the whole attempt.
const TIMEOUT: Duration = Duration::from_secs(15);
/// For the connection, of that.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest error that is kept.
const ERROR_MAX: usize = 300;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    /// Why it was no success; `None`: it was one.
    pub error: Option<String>,
    /// Whether the URL itself was refused, so that nobody was asked.
    pub refused: bool,
}

impl Attempt {
    /// Whether the receiver says that it will never be there again.
    pub fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }

    fn failed(error: &str) -> Self {
        Self { status: None, error: Some(error.chars().take(ERROR_MAX).collect()), refused: false }
    }
}

/// What is sent.
pub struct Message<'a> {
    /// The `webhook-id`.
    pub id: &'a str,
    /// When it is sent.
    pub at: Timestamp,
    /// The body.
    pub payload: &'a str,
}

/// Sends a message once. The URL is looked at anew, and the connection goes to exactly the addresses that were looked at: the
/// name may resolve to something else than when the webhook was made, or a moment ago.
pub async fn send(settings: &WebhookSettings, url: &str, secrets: &[WebhookSecret], message: &Message<'_>) -> Attempt {
    let target = match address::check(settings, url).await {
        Ok(target) => target,
        Err(error) => {
            let refused = matches!(error, address::Refused::Internal { .. });
            return Attempt { refused, ..Attempt::failed(&error.to_string()) };
        }
    };
    let client = match client(&target) {
        Ok(client) => client,
        Err(error) => return Attempt::failed(&described(error)),
    };
    let request = client
        .post(target.url)
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", message.id)
        .header("webhook-timestamp", message.at.as_second())
        .header("webhook-signature", sign_with_all(secrets, message.id, message.at, message.payload))
        .body(message.payload.to_owned());
    // The answer's body is nobody's business: shown in the log, it would make a webhook a way to read what the server can.
    match request.send().await {
        Ok(answer) if answer.status().is_success() => {
            Attempt { status: Some(answer.status().as_u16()), error: None, refused: false }
        }
        Ok(answer) => {
            let (status, place) = (
                answer.status(),
                if answer.status().is_redirection() { ", and redirects are not followed" } else { "" },
            );
            Attempt {
                status: Some(status.as_u16()),
                ..Attempt::failed(&format!("the receiver answered {status}{place}"))
            }
        }
        Err(error) => Attempt::failed(&described(error)),
    }
}

/// A client for one attempt. No proxy of the environment and no redirect, which would both lead elsewhere.
fn client(target: &address::Target) -> reqwest::Result<reqwest::Client> {
    let provider = rustls::crypto::ring::default_provider().into();
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.expect("ring has them").with_platform_verifier().expect("the system has roots").with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .resolve_to_addrs(target.url.host_str().unwrap_or_default(), &target.addresses)
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .user_agent(concat!("Twinkey/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The chain of causes, without the URL, whose path may be a secret of the receiver.
fn described(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
