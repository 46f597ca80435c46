//! The client against the real server and its embedded broker, in-process.

mod bad_input;
mod raw;
mod rotation;
mod support;
