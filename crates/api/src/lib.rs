//! What Twinkey's server, command line and tests agree on: the token format, roles, names, and the JSON bodies of the
//! HTTP API. No I/O and no clock in here.

pub mod activity;
pub mod audit;
pub mod auth;
pub mod broker;
pub mod error;
pub mod live;
pub mod master_key;
pub mod message;
pub mod name;
pub mod overview;
pub mod people;
pub mod role;
pub mod settings;
pub mod system;
pub mod timeline;
pub mod token;
pub mod token_pair;
pub mod topic;
pub mod usage;
pub mod webhook;
pub mod workspace;

pub use name::{TopicName, WorkspaceId};
pub use role::Role;
pub use token::{Secret, TokenKind};
