//! How many may read at the same time: what each takes is bounded, so all together are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ApiError;

/// Pages that are read at the same time; others wait.
const PAGES: usize = 4;
/// Live streams of one user.
const OF_USER: usize = 10;
/// Live streams of all.
const OF_ALL: usize = 200;

/// The places of readers.
pub struct Room {
    pages: Semaphore,
    streams: Mutex<HashMap<String, usize>>,
}

impl Default for Room {
    fn default() -> Self {
        Self { pages: Semaphore::new(PAGES), streams: Mutex::default() }
    }
}

impl Room {
    /// Waits for a place to read a page.
    pub(super) async fn page(&self) -> SemaphorePermit<'_> {
        self.pages.acquire().await.expect("never closed")
    }

    /// How many live streams there are.
    pub fn streams(&self) -> usize {
        self.of_users().values().sum()
    }

    /// A place for a live stream of this user.
    pub fn stream(self: &Arc<Self>, user_id: &str) -> Result<Streaming, ApiError> {
        let mut streams = self.of_users();
        if streams.values().sum::<usize>() >= OF_ALL {
            return Err(ApiError::Busy(format!("It shows {OF_ALL} live streams already; try again later")));
        }
        let own = streams.entry(user_id.to_owned()).or_default();
        if *own >= OF_USER {
            return Err(ApiError::TooManyStreams { most: OF_USER });
        }
        *own += 1;
        Ok(Streaming { room: self.clone(), user_id: user_id.to_owned() })
    }

    fn of_users(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a live stream, as long as it is held.
pub struct Streaming {
    room: Arc<Room>,
    user_id: String,
}

impl Drop for Streaming {
    fn drop(&mut self) {
        let mut streams = self.room.of_users();
        if let Some(own) = streams.get_mut(&self.user_id) {
            *own -= 1;
            if *own == 0 {
                streams.remove(&self.user_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let room = Arc::new(Room::default());
        let mut own: Vec<_> = (0..OF_USER).map(|_| room.stream("a").expect("room")).collect();
        assert!(matches!(room.stream("a"), Err(ApiError::TooManyStreams { .. })));
        let others: Vec<_> = (OF_USER..OF_ALL).map(|number| room.stream(&number.to_string()).expect("room")).collect();
        assert!(matches!(room.stream("b"), Err(ApiError::Busy(_))));
        own.pop();
        assert!(room.stream("a").is_ok());
        drop((own, others));
        assert_eq!(room.streams(), 0);
        assert!(room.of_users().is_empty());
    }
}
