//! Twinkey's control plane: HTTP API, people, tokens, rotation and audit.
//!
//! [`start::Server`] is the way in. A request goes from [`routes`] to [`db`] or to the broker in two hops; who may do what
//! is decided in [`extract`]; what a token means is answered by [`registry`].

pub mod activity;
pub mod app;
pub mod audit;
pub mod backup;
pub mod broker;
pub mod ca;
pub mod cli_credential;
pub mod copy;
pub mod creation;
pub mod cut_off;
pub mod db;
pub mod deletion;
pub mod error;
pub mod extract;
pub mod files;
pub mod first_start;
pub mod following;
pub mod http;
pub mod installation;
pub mod keys;
pub mod last_use;
pub mod lifecycle;
pub mod live;
pub mod mail;
pub mod messages;
pub mod metrics;
pub mod password;
pub mod people;
pub mod portal;
pub mod random;
pub mod registry;
pub mod rekeying;
pub mod replicas;
pub mod rotation;
pub mod routes;
pub mod sign_in;
pub mod start;
pub mod tokens;
pub mod usage;
pub mod validity;
pub mod watches;
pub mod webhooks;

pub use twinkey_embedded_broker::Clock;
