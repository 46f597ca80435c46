//! After the sign-in: requests are answered one after another, in the order they came.

use std::{collections::VecDeque, future::Future, pin::Pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    error::ResponseError,
    messages::{ApiKey, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use twinkey_kafka_wire::frame::{FrameError, FrameReader};

use super::{
    Closed, Place, Session,
    sasl::{Exchange, Step},
    send, sign_in,
};
use crate::{
    api::{self, Context, Header},
    broker::{Meter, Shared},
};

/// How many frames are read while a request is being answered …
const AHEAD_FRAMES: usize = 16;
/// … and up to how many bytes. The last of them may be larger.
const AHEAD_BYTES: usize = 1024 * 1024;

/// One signed-in connection.
pub(super) struct Requests<'a, S> {
    broker: &'a Arc<Shared>,
    session: Arc<Session>,
    place: &'a Place,
    reader: FrameReader,
    stream: &'a mut S,
    ahead: Ahead,
    /// The `client.id` that the table of connections shows, kept here so that it is not told at each request.
    client_id: Option<String>,
    /// Where this connection's use is counted.
    meter: Option<Arc<dyn Meter>>,
}

/// Frames that were read while an earlier request was being answered.
#[derive(Default)]
struct Ahead {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Why nothing more can be read.
    end: Option<Closed>,
    /// A re-authentication in progress (KIP-368).
    exchange: Option<Exchange>,
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<Option<BytesMut>, Closed>> + Send + 'a>>;

impl<'a, S: AsyncRead + AsyncWrite + Unpin + Send> Requests<'a, S> {
    /// A connection that has just signed in.
    pub(super) fn new(
        broker: &'a Arc<Shared>,
        session: Arc<Session>,
        client_id: Option<String>,
        place: &'a Place,
        reader: FrameReader,
        stream: &'a mut S,
    ) -> Self {
        let meter = broker.principals.meter(&session.info(client_id.clone()));
        Self { broker, session, place, reader, stream, ahead: Ahead::default(), client_id, meter }
    }

    /// Answers requests until the connection ends, and says why it did.
    pub(super) async fn serve(mut self) -> Closed {
        loop {
            let outcome = match self.next_frame().await {
                Ok(frame) => self.one(frame).await,
                Err(end) => Err(end),
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    async fn next_frame(&mut self) -> Result<Bytes, Closed> {
        if let Some(frame) = self.ahead.frames.pop_front() {
            self.ahead.bytes -= frame.len();
            return Ok(frame);
        }
        if let Some(end) = self.ahead.end.take() {
            return Err(end);
        }
        tokio::select! {
            biased;
            () = self.broker.stopping.cancelled() => Err(Closed::Stopping),
            read = timeout(self.broker.config.limits.idle, self.reader.next(self.stream)) => match read {
                Ok(frame) => frame?.ok_or(Closed::ByPeer),
                Err(_) => Err(Closed::Idle),
            },
        }
    }

    async fn one(&mut self, mut frame: Bytes) -> Result<(), Closed> {
        let received = frame.len();
        let header = Header::take(&mut frame)?;
        if header.client_id != self.client_id {
            self.place.note_client_id(header.client_id.clone());
            self.client_id.clone_from(&header.client_id);
            self.meter = self.broker.principals.meter(&self.session.info(header.client_id.clone()));
        }
        self.count(1, received);
        let stall = self.broker.config.limits.write_stall;
        match header.api {
            ApiKey::SaslHandshake => {
                let request: SaslHandshakeRequest = api::decode(&header, frame)?;
                let (response, exchange) = sign_in::handshake(&request);
                self.ahead.exchange = exchange;
                send(self.stream, api::encode(&header, &response)?, stall).await
            }
            ApiKey::SaslAuthenticate => {
                let request: SaslAuthenticateRequest = api::decode(&header, frame)?;
                let (response, outcome) = self.authenticate_again(&request.auth_bytes).await;
                send(self.stream, api::encode(&header, &response)?, stall).await?;
                outcome
            }
            _ => {
                let context = Context {
                    broker: Arc::clone(self.broker),
                    session: Arc::clone(&self.session),
                    client_id: header.client_id.clone(),
                };
                let waits = api::waits(header.api);
                let answering: Answering<'_> = Box::pin(api::answer(&context, &header, frame));
                match self.answer_while_reading(answering, waits).await? {
                    Some(answer) => {
                        self.count(0, answer.len());
                        send(self.stream, answer, stall).await
                    }
                    None => Ok(()),
                }
            }
        }
    }

    fn count(&self, requests: u64, bytes: usize) {
        if let Some(meter) = &self.meter {
            meter.count(requests, bytes as u64, (self.broker.clock)());
        }
    }

    /// Waits for an answer, and reads ahead meanwhile: a peer that goes away while a long poll waits is noticed at once,
    /// and the poll is dropped, as it is when the broker stops. Other requests of a peer that has gone are still carried out, because it has sent them:
    /// a producer that wants no acknowledgement closes right behind its last record.
    async fn answer_while_reading(
        &mut self,
        mut answering: Answering<'_>,
        waits: bool,
    ) -> Result<Option<BytesMut>, Closed> {
        loop {
            if self.ahead.end.is_some() && waits {
                return Ok(None);
            }
            tokio::select! {
                biased;
                answer = &mut answering => return answer,
                () = self.broker.stopping.cancelled(), if waits => return Err(Closed::Stopping),
                read = self.reader.next(self.stream), if self.ahead.has_room() => self.ahead.push(read),
            }
        }
    }

    /// A SaslAuthenticate on a live connection (KIP-368): accepted for the same principal only.
    async fn authenticate_again(&mut self, message: &[u8]) -> (SaslAuthenticateResponse, Result<(), Closed>) {
        let Some(exchange) = self.ahead.exchange.take() else {
            let text = "SaslAuthenticate must follow SaslHandshake".to_owned();
            let refusal = sign_in::refused(ResponseError::IllegalSaslState, text);
            return (refusal, Err(Closed::Refused("no handshake")));
        };
        let mechanism = exchange.mechanism();
        let accepted =
            |token: Vec<u8>| SaslAuthenticateResponse::default().with_error_message(None).with_auth_bytes(token.into());
        let refused = |why| {
            let refusal = sign_in::refused(ResponseError::SaslAuthenticationFailed, Exchange::refusal(mechanism));
            (refusal, Err(Closed::Refused(why)))
        };
        match exchange.step(self.broker, message).await {
            Step::Continue(exchange, token) => {
                self.ahead.exchange = Some(exchange);
                (accepted(token), Ok(()))
            }
            Step::Done(proved, token) if proved.principal == self.session.principal => (accepted(token), Ok(())),
            Step::Done(..) => refused("another principal on a live connection"),
            Step::Unknown(_) => refused("unknown principal"),
            Step::Refused(why) => refused(why),
        }
    }
}

impl Ahead {
    fn has_room(&self) -> bool {
        self.end.is_none() && self.frames.len() < AHEAD_FRAMES && self.bytes < AHEAD_BYTES
    }

    fn push(&mut self, read: Result<Option<Bytes>, FrameError>) {
        match read {
            Ok(Some(frame)) => {
                self.bytes += frame.len();
                self.frames.push_back(frame);
            }
            Ok(None) => self.end = Some(Closed::ByPeer),
            Err(error) => self.end = Some(error.into()),
        }
    }
}
