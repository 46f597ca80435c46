//! The client against the real server and its embedded broker, in-process.

mod bad_input;
mod examples;
mod raw;
mod rotation;
mod streams;
mod support;
