//! One call of the API: its time, its retries, its errors.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{ATTEMPT, Portal};
use crate::{Error, SdkToken};

#[derive(Deserialize, Default)]
struct ErrorBody {
    message: Option<String>,
    code: Option<String>,
}

impl Portal {
    /// Sends a request, again and again while that can help and the limit is not reached. Every request here may be sent
    /// twice: creating a topic that exists is answered with a sentence of its own.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        token: &SdkToken,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        let last = Mutex::new(None);
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .without_max_times()
            .with_jitter();
        let attempts = (|| self.once(token, &method, path, body)).retry(backoff).when(Error::is_transient).notify(
            |error, delay| {
                tracing::debug!("{error}; trying again in {delay:?}");
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            },
        );
        let outcome = tokio::time::timeout(self.limit, attempts).await;
        let last = last.into_inner().unwrap_or_else(PoisonError::into_inner);
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

    pub(super) fn unexpected(&self, method: &Method, path: &str, why: &str) -> Error {
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
