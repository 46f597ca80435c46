//! A stream of server-sent events, as a browser reads it.

use std::{collections::VecDeque, time::Duration};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use crate::Api;

/// How long a test waits for an event that must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open stream.
pub struct Events {
    response: Response,
    text: String,
    come: VecDeque<Event>,
}

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its kind.
    pub name: String,
    /// Its data.
    pub data: Value,
    /// Its id, if it has one.
    pub id: Option<String>,
}

impl Api {
    /// Opens a stream that must be there.
    pub async fn events(&self, path: &str, token: &str) -> Events {
        self.events_of(self.request(Method::GET, path, token)).await
    }

    /// Opens the stream that this request asks for.
    pub async fn events_of(&self, request: RequestBuilder) -> Events {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{}", response.url());
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { response, text: String::new(), come: VecDeque::new() }
    }
}

impl Events {
    /// The next event; `None`: the stream is over.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("an event, or the end, in time")
    }

    /// The next event that must come.
    pub async fn expect(&mut self, name: &str) -> Value {
        let event = self.next().await.unwrap_or_else(|| panic!("the stream is over, without {name}"));
        assert_eq!(event.name, name, "{event:?}");
        event.data
    }

    /// Reads up to an event whose data this accepts; others are passed over.
    pub async fn until(&mut self, mut accepts: impl FnMut(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if accepts(&event) {
                return event;
            }
        }
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.come.pop_front() {
                return Some(event);
            }
            let chunk = self.response.chunk().await.expect("not broken off")?;
            self.text.push_str(std::str::from_utf8(&chunk).expect("UTF-8, cut where events end"));
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (parse(event), rest.to_owned());
                self.come.extend(event);
                self.text = rest;
            }
        }
    }
}

/// `None`: nothing but comments.
fn parse(text: &str) -> Option<Event> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = field("data")?;
    Some(Event {
        name: field("event").unwrap_or("message").to_owned(),
        data: serde_json::from_str(data).expect("JSON"),
        id: field("id").map(str::to_owned),
    })
}
