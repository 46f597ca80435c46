//! What the tests share.

use std::{future::Future, time::Duration};

use twinkey_api::token_pair::Slot;
use twinkey_client::{ClientBuilder, Consumer, QuixStreamingClient, Received};
use twinkey_testkit::TestServer;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// A builder for a client with Token 1 of the workspace `demo`.
pub async fn builder(server: &TestServer) -> ClientBuilder {
    let token = server.token(Slot::Current).await;
    QuixStreamingClient::builder().token(token).portal_api(&server.api.url)
}

/// A client with Token 1 of the workspace `demo`.
pub async fn client(server: &TestServer) -> QuixStreamingClient {
    builder(server).await.build().expect("all is given")
}

/// Waits for something that must happen.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("in time")
}

/// The next messages of a consumer.
pub async fn receive(consumer: &mut Consumer, count: usize) -> Vec<Received> {
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.push(soon(consumer.next()).await.expect("not the end").expect("a message"));
    }
    messages
}

/// The values of messages, as texts.
pub fn texts(messages: &[Received]) -> Vec<String> {
    messages.iter().map(|message| message.text().into_owned()).collect()
}
