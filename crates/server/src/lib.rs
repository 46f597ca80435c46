//! Twinkey's control plane: HTTP API, people, tokens, rotation and audit.

pub mod audit;
pub mod db;
pub mod error;
pub mod keys;
pub mod password;
pub mod random;
