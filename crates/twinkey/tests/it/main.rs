//! Tests of the real process: the command line as a person types it, and faults that only a real process can have.

mod audit;
mod command_line;
mod kill;
mod kill_workspaces;
mod people;
mod process;
mod rekeying;
mod service_manager;
mod streaming;
mod tls;
mod usage;
