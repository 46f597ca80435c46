//! The clients: each holds a token of one slot and uses it until it is refused, or was promoted and still works.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use twinkey_api::token_pair::Slot;
use twinkey_testkit::{Stream, kafka::Credentials};

use crate::judge::{Held, Judge, Seat};

/// Between two uses of one client.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks for the broker settings again and again.
pub async fn over_http(judge: Arc<Judge>, slot: Slot, seat: Seat) {
    let mut held = judge.take(slot);
    loop {
        let answered = judge.answered.load(Ordering::SeqCst);
        let outcome = settings(&judge, &held).await.map(|_| ());
        if judge.judge(&held, &seat, answered, outcome) {
            held = taken_anew(&judge, slot, &held).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads a topic again and again over one connection.
pub async fn on_the_broker(judge: Arc<Judge>, slot: Slot, seat: Seat) {
    let mut held = judge.take(slot);
    let mut stream: Option<Stream> = None;
    loop {
        let answered = judge.answered.load(Ordering::SeqCst);
        let outcome = match stream.take() {
            Some(mut open) => match open.fetch(&format!("{}-uses", judge.workspace), 0, 0).await {
                Ok(Ok(_)) => {
                    stream = Some(open);
                    Ok(())
                }
                Ok(Err(code)) => Err(format!("fetch: error {code}")),
                Err(error) => Err(format!("fetch: {error}")),
            },
            None => match settings(&judge, &held).await {
                Ok(credentials) => match credentials.sign_in().await {
                    Ok(open) => {
                        stream = Some(open);
                        continue;
                    }
                    Err(error) => Err(format!("sign-in: {error}")),
                },
                Err(error) => Err(error),
            },
        };
        if judge.judge(&held, &seat, answered, outcome) {
            held = taken_anew(&judge, slot, &held).await;
            stream = None;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn settings(judge: &Judge, held: &Held) -> Result<Credentials, String> {
    let path = format!("/workspaces/{}/broker/librdkafka", judge.workspace);
    let request = judge.api.request(Method::GET, &path, &held.value);
    let answer = judge.api.try_send(request).await.map_err(|error| error.to_string())?;
    match answer.status {
        StatusCode::OK => Ok(Credentials::from_librdkafka(&answer.json())),
        status => Err(format!("{status}: {}", answer.text)),
    }
}

/// The slot's token of a later generation, as soon as somebody has read it.
async fn taken_anew(judge: &Judge, slot: Slot, before: &Held) -> Held {
    loop {
        let held = judge.take(slot);
        if held.value != before.value {
            return held;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
