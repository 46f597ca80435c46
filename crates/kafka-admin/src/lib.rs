//! Principals, topics and the proof of a cut-off on Apache Kafka (3.8 to 4.1), each broker asked by itself.
//!
//! * [`Cluster`] is the way in: it finds the brokers, keeps connections to each of them and bounds every call;
//! * [`principals`]: one SCRAM user with prefixed rights for each token, alone or hundreds in a request;
//! * [`cut_off`]: taking all of it away again, and the proof from every broker that it has;
//! * [`inventory`]: what is on the cluster under a name prefix, for a reconciler;
//! * [`contents`], [`reader`]: what is in topics, for people who look at it;
//! * [`topics`], [`groups`], [`transactions`]: what a workspace has on the cluster;
//! * [`marker`]: which installation owns the principals; [`check`]: what the cluster lacks.
//!
//! What was measured on real clusters, and why the steps stand in this order, is written in the modules and in
//! `docs/decisions/0006-order-of-a-cut-off-on-kafka.md`. The codec's types stay inside this crate.
//!
//! Every operation is either a question, which is put to another broker when one does not answer, or an order. An order that
//! was sent and not answered is reported as [`Error::UnknownOutcome`] and never sent again by this crate (but for a cut-off,
//! whose every step may be repeated and may arrive late without harm).

pub mod acls;
mod address;
mod answer;
mod barrier;
pub mod check;
pub mod cluster;
mod configs;
pub mod contents;
pub mod cut_off;
mod error;
pub mod groups;
pub mod inventory;
mod layout;
mod link;
mod marker;
pub mod principals;
mod prune;
mod quotas;
pub mod reader;
mod scram;
mod settings;
pub mod topics;
pub mod transactions;

pub use address::{Address, AddressError};
pub use cluster::Cluster;
pub use error::{Error, Refusal};
pub use settings::{Account, Password, Settings, Timeouts, Trust};
pub use twinkey_kafka_wire::{client::SaslMechanism, scram::Mechanism, tls::TlsError};
