//! The open connections: who may come in, whom a cut-off concerns, and when each has really ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Session;
use crate::broker::Limits;

/// An open, signed-in connection as the owner of the broker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Whose it is.
    pub principal: String,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// The `client.id` of its last request.
    pub client_id: Option<String>,
    /// What the client says it is, for example `librdkafka`.
    pub software_name: Option<String>,
    /// Which version the client says it is.
    pub software_version: Option<String>,
    /// When it signed in.
    pub since: Timestamp,
}

/// All open connections of one broker.
#[derive(Debug, Default)]
pub(crate) struct Table {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last_id: u64,
    entries: BTreeMap<u64, Entry>,
    /// Those that have not signed in and were not told to go. Ids grow, so the first is the oldest.
    waiting: BTreeSet<u64>,
}

#[derive(Debug)]
struct Entry {
    /// Cancelled when the connection must end now.
    cancel: CancellationToken,
    /// Cancelled when nothing of the connection runs any more.
    ended: CancellationToken,
    session: Option<Arc<Session>>,
    client_id: Option<String>,
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that can panic runs under this lock, so the data is whole even then.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection, or `None` if the broker is full of signed-in ones.
    ///
    /// Where only connections that have not signed in stand in the way, the oldest of them makes room: a flood of
    /// half-open connections then shortens their own time, and everybody else still comes in.
    pub(crate) fn admit(self: &Arc<Self>, limits: &Limits) -> Option<Place> {
        let mut inner = self.lock();
        let full = inner.entries.len() >= limits.connections;
        if full || inner.waiting.len() >= limits.unauthenticated_connections {
            match inner.waiting.pop_first() {
                Some(oldest) => inner.entries.get(&oldest)?.cancel.cancel(),
                None => return None,
            }
        }
        inner.last_id += 1;
        let id = inner.last_id;
        let cancel = CancellationToken::new();
        let entry = Entry { cancel: cancel.clone(), ended: CancellationToken::new(), session: None, client_id: None };
        inner.entries.insert(id, entry);
        inner.waiting.insert(id);
        Some(Place { table: Arc::clone(self), id, cancel })
    }

    /// Ends every connection of `principal`; the tokens tell when each has ended.
    pub(crate) fn cut_off(&self, principal: &str) -> Vec<CancellationToken> {
        let inner = self.lock();
        let of_principal = inner
            .entries
            .values()
            .filter(|entry| entry.session.as_ref().is_some_and(|session| session.principal == principal));
        of_principal
            .map(|entry| {
                entry.cancel.cancel();
                entry.ended.clone()
            })
            .collect()
    }

    /// Ends every connection.
    pub(crate) fn end_all(&self) {
        self.lock().entries.values().for_each(|entry| entry.cancel.cancel());
    }

    /// The signed-in connections, oldest first.
    pub(crate) fn list(&self) -> Vec<ConnectionInfo> {
        let inner = self.lock();
        let signed_in = inner.entries.values().filter_map(|entry| Some((entry.session.as_ref()?, &entry.client_id)));
        signed_in.map(|(session, client_id)| session.info(client_id.clone())).collect()
    }
}

/// The place of one connection in the table. Whoever serves the connection holds it, and drops it last: then, and only
/// then, a cut-off that waits knows that nothing of the connection runs any more.
#[derive(Debug)]
pub(crate) struct Place {
    table: Arc<Table>,
    id: u64,
    cancel: CancellationToken,
}

impl Place {
    /// Unique among the connections of one running broker.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Completes when the connection must end.
    pub(crate) async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// From here on a cut-off of the session's principal ends this connection.
    pub(crate) fn signed_in(&self, session: Arc<Session>, client_id: Option<String>) {
        let mut inner = self.table.lock();
        inner.waiting.remove(&self.id);
        if let Some(entry) = inner.entries.get_mut(&self.id) {
            entry.session = Some(session);
            entry.client_id = client_id;
        }
    }

    /// Notes the `client.id` of a request.
    pub(crate) fn note_client_id(&self, client_id: Option<String>) {
        if let Some(entry) = self.table.lock().entries.get_mut(&self.id) {
            entry.client_id = client_id;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.table.lock();
        inner.waiting.remove(&self.id);
        if let Some(entry) = inner.entries.remove(&self.id) {
            entry.ended.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    fn session(id: u64, principal: &str) -> Arc<Session> {
        Arc::new(Session {
            connection_id: id,
            principal: principal.to_owned(),
            scope: Scope::of_workspace("w"),
            peer: SocketAddr::from(([127, 0, 0, 1], 1)),
            software: crate::Software::default(),
            since: Timestamp::UNIX_EPOCH,
        })
    }

    #[test]
    fn the_oldest_half_open_connection_makes_room() {
        let table = Arc::new(Table::default());
        let limits = Limits { connections: 4, unauthenticated_connections: 2, ..Limits::default() };
        let places: Vec<_> = (0..3).map(|_| table.admit(&limits).unwrap()).collect();
        let cancelled: Vec<_> = places.iter().map(|place| place.cancel.is_cancelled()).collect();
        assert_eq!(cancelled, [true, false, false]);
        places[1].signed_in(session(2, "a"), None);
        places[2].signed_in(session(3, "a"), None);
        let fourth = table.admit(&limits).unwrap();
        fourth.signed_in(session(4, "b"), None);
        assert!(table.admit(&limits).is_none(), "full of signed-in connections and one that is going");
        drop(places);
        assert!(table.admit(&limits).is_some());
    }

    #[tokio::test]
    async fn a_cut_off_concerns_one_principal_and_waits_for_the_end() {
        let table = Arc::new(Table::default());
        let limits = Limits::default();
        let (first, second) = (table.admit(&limits).unwrap(), table.admit(&limits).unwrap());
        first.signed_in(session(1, "a"), None);
        second.signed_in(session(2, "b"), None);
        let ended = table.cut_off("a");
        assert_eq!(ended.len(), 1);
        first.cancelled().await;
        assert!(!ended[0].is_cancelled());
        drop(first);
        ended[0].cancelled().await;
        assert!(!second.cancel.is_cancelled());
        assert_eq!(table.list().len(), 1);
    }

    /// What makes a panic in a handler end its connection only.
    #[tokio::test]
    async fn a_panic_gives_the_place_back() {
        let table = Arc::new(Table::default());
        let place = table.admit(&Limits::default()).unwrap();
        place.signed_in(session(1, "a"), None);
        let task = tokio::spawn(async move {
            let _place = place;
            tokio::task::yield_now().await;
            panic!("as a handler might");
        });
        let ended = table.cut_off("a");
        assert!(task.await.unwrap_err().is_panic());
        ended[0].cancelled().await;
        assert!(table.list().is_empty());
    }
}
