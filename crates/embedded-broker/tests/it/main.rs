//! The real broker in this process, over TLS and sockets, through the client of `twinkey-kafka-wire`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod abuse;
mod cut_off;
mod groups;
mod mutants;
mod scope;
mod sign_in;
mod support;
mod topics;
