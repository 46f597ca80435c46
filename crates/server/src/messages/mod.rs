//! Messages for people who look at them: which are wanted, a page of them, and live.
//!
//! What is in them is shown to whoever may read it and to nobody else: nothing of it goes to a log, a metric or an error.

pub mod live;
mod merge;
mod page;
mod partition;
mod room;
mod show;
mod wanted;

pub use page::page;
pub use room::Room;
pub use wanted::{Begin, Wanted, parts, places};
