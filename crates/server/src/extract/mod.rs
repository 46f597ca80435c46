//! Extractors: who is asking, for what, with which body.

pub mod caller;
pub mod json;
pub mod workspace;

pub use caller::{Caller, SdkCaller, SignedIn, UserCaller};
pub use json::Body;
pub use workspace::{Manage, Streaming};
