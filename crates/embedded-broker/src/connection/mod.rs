//! One client connection: TLS, frames, SASL, then requests answered in the order they came.

mod session;

pub(crate) use session::Session;
pub use session::Software;
