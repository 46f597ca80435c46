//! The real broker in this process, over TLS and sockets, through the client of `twinkey-kafka-wire`.

mod abuse;
mod cut_off;
mod scope;
mod sign_in;
mod support;
mod topics;
