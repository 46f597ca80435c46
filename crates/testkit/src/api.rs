//! The HTTP API as a test calls it.

use reqwest::{
    Method, RequestBuilder, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde_json::{Value, json};
use twinkey_api::token_pair::Slot;

/// A server's HTTP API.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    /// The server's URL.
    pub url: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// The JSON body of an answer that must have succeeded.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }

    /// The message of an answer that must have failed with `status`; also checks the form of every error.
    pub fn refused(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let body = self.json();
        let correlation_id = body["correlationId"].as_str().unwrap_or_default();
        let hex = correlation_id.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
        assert!(correlation_id.len() == 8 && hex, "{body}");
        assert!(body["code"].is_string(), "{body}");
        body["message"].as_str().expect("clients dereference the message").to_owned()
    }
}

impl Api {
    /// The API at `url`. No proxy, no redirects: like the clients that matter.
    pub fn at(url: &str) -> Self {
        // Whoever comes first installs it; for the others it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { http: http.build().expect("a client without TLS settings"), url: url.to_owned() }
    }

    /// A request, to be sent with [`Api::send`].
    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token)
    }

    /// Sends a request; fails only if no server answers.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        // A stream of events does not end by itself: see [`crate::events`] for what comes.
        let goes_on = headers.get(CONTENT_TYPE).is_some_and(|it| it == "text/event-stream");
        let text = if goes_on { String::new() } else { response.text().await? };
        Ok(Answer { status, headers, text })
    }

    /// Sends a request to a server that must answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// `GET path`.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::GET, path, token)).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path, token).json(body)).await
    }

    /// The value of a token, revealed with the role of `token`.
    pub async fn reveal(&self, workspace_id: &str, slot: Slot, token: &str) -> String {
        let path = format!("/workspaces/{workspace_id}/tokens/{}/reveal", slot.name());
        let body = self.post(&path, token, &json!({})).await.ok();
        body["value"].as_str().expect("a value").to_owned()
    }

    /// How often a workspace was rotated.
    pub async fn generation(&self, workspace_id: &str, token: &str) -> i64 {
        let body = self.get(&format!("/workspaces/{workspace_id}/tokens"), token).await.ok();
        body["generation"].as_i64().expect("a number")
    }

    /// Asks for a rotation, though Token 1 may be in use.
    pub async fn rotate(&self, workspace_id: &str, token: &str, expected: i64) -> Answer {
        let body = json!({"expectedGeneration": expected, "force": true, "reason": "test"});
        self.post(&format!("/workspaces/{workspace_id}/tokens/rotate"), token, &body).await
    }

    /// Whether the API accepts an SDK token for its own workspace; panics on any answer but 200 and 401.
    pub async fn accepts(&self, workspace_id: &str, token: &str) -> bool {
        let answer = self.get(&format!("/workspaces/{workspace_id}/broker/librdkafka"), token).await;
        match answer.status {
            StatusCode::OK => true,
            StatusCode::UNAUTHORIZED => false,
            status => panic!("{status}: {}", answer.text),
        }
    }
}
