//! Integration tests against the real server, in-process. Test names carry the promises of the design: S1–S11, B1–B7, and
//! the guarantees g1–g8.

mod audit;
mod backup;
mod bad_input;
mod commit_proxy;
mod copy;
mod database;
mod database_faults;
mod deletion;
mod invitations;
mod kafka;
mod members;
mod oidc;
mod openapi;
mod operations;
mod people;
mod portal;
mod rekeying;
mod replicas;
mod roles;
mod rotation;
mod settings;
mod start;
mod state_machine;
mod streaming;
mod tls;
mod topics;
mod undo;
mod usage;
mod webhooks;
mod workspace_state_machine;
mod workspaces;
