//! From one SDK token to a Kafka connection, and through its rotation without losing a message.
//!
//! ```no_run
//! use twinkey_client::{Message, QuixStreamingClient};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), twinkey_client::Error> {
//! let client = QuixStreamingClient::from_env()?; // or ::new(token)
//! let producer = client.producer("orders").await?;
//! producer.send(Message::new("key", "value")).await?;
//!
//! let mut consumer = client.consumer("orders", "billing").await?;
//! while let Some(message) = consumer.next().await {
//!     println!("{}", message?.text());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The program contains no broker address, no password and no certificate. It knows an SDK token, from the variable
//! `Quix__Sdk__Token`, and where the API is, from `Quix__Portal__Api`; the client asks for the rest when it is first needed.
//! The API may be [Twinkey](https://github.com/twinkey/twinkey) or anything else that answers as the Quix platform does.
//!
//! # What there is
//!
//! | | |
//! |---|---|
//! | [`QuixStreamingClient`], [`ClientBuilder`] | one client for each workspace; everything begins here |
//! | [`Producer`], [`Message`] | messages: keys, headers, times, partitions; [`Producer::send`] waits for the acknowledgement, [`Producer::queue`] does not; [`Producer::sink`] is a `Sink` |
//! | [`Consumer`], [`Received`] | as a member of a group, or of all partitions from any place; commits, seeking, pausing; [`Consumer::stream`] is a `Stream` |
//! | [`producer::transaction`] | exactly once: what was read and what was written, together or not at all |
//! | [`streams`] | time series and events as the original QuixStreamingClient (quixstreams 0.5.7) writes and reads them |
//! | [`Message::json`], [`Received::json`] | rows as quixstreams' `Application` writes and reads them |
//! | [`Topics`] | list, describe, make; how far a group is behind |
//! | [`Error`] | a type for each thing that can go wrong, with a sentence that says what to do |
//! | [`Event`] | what the client tells without being asked |
//!
//! Topics are given by name or id and made if they do not exist; a group's name is prefixed with the workspace. Both are
//! what every other Quix client does, so that programs in several languages share topics and groups.
//!
//! Everything is librdkafka underneath, whose settings can be passed through ([`ClientBuilder::property`]) and whose types
//! are there under [`rdkafka`].
//!
//! # Time
//!
//! Every call ends. What cannot succeed fails at once (a wrong token, a certificate of somebody else); what may succeed is
//! retried within a limit: [`ClientBuilder::api_timeout`], [`ClientBuilder::connect_timeout`],
//! [`ClientBuilder::delivery_timeout`], [`ClientBuilder::topic_timeout`]. Only [`Consumer::next`] waits for as long as there is
//! nothing to read; it too tells when no broker answers.
//!
//! Futures may be dropped: no message is lost by that, except that one which was not queued yet is not sent. At the end call
//! [`Producer::close`] and [`Consumer::close`]; they wait for what is on its way.
//!
//! # Rotation
//!
//! A workspace has two valid tokens. Give the client both, and it moves to the second when the first one dies:
//!
//! ```no_run
//! # use twinkey_client::QuixStreamingClient;
//! # fn main() -> Result<(), twinkey_client::Error> {
//! let next = std::env::var("NEXT_TOKEN").unwrap_or_default();
//! let client = QuixStreamingClient::builder().fallback(next).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! A token can also come from a file that is watched, or from a callback ([`TokenSource`]), so that a new one is picked up
//! without a restart. Without any of this there is one token, and when it dies everything ends with
//! [`Error::TokenRotatedOut`].
//!
//! What holds when the token changes under a running producer or consumer:
//!
//! * **Moved before the old token dies** ([`QuixStreamingClient::use_fallback`], a watched file): the producer waits until
//!   everything has been acknowledged, then goes on with the new token. Nothing is lost, nothing is doubled, nothing is reordered.
//! * **The token dies first**: everything that was not acknowledged is sent again, in order. Nothing is lost. Twice can be
//!   there only what had been sent and was written, but whose acknowledgement the broker could not deliver before it closed
//!   the connection: idempotence ends with the producer's id, and the id with the connection. [`Event::ProducerMoved`]
//!   counts these as `in_doubt`. Who must exclude even that moves first, or uses transactions.
//! * **A consumer** goes on after the last message that the program was given, whatever had been committed.
//! * A message that fails in between is the program's to see; without a failure it sees no error of the move.

pub mod builder;
mod client;
pub mod consumer;
mod credentials;
mod error;
mod events;
mod message;
mod portal;
pub mod producer;
mod session;
pub mod streams;
mod token;
mod topic;
mod topics;

pub use builder::ClientBuilder;
pub use client::QuixStreamingClient;
pub use consumer::{Commit, Consumer, Start};
pub use error::Error;
pub use events::Event;
pub use message::{Message, Received};
pub use portal::TopicDescription;
pub use producer::{Delivery, DeliveryFuture, Producer};
pub use rdkafka;
pub use token::{SdkToken, TokenResult, TokenSource};
pub use topic::TopicSettings;
pub use topics::{PartitionExtent, PartitionLag, Topics};
