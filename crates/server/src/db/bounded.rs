//! A connection on which every call ends: with an answer, or after a limit.
//!
//! A network that swallows packets makes a call on a socket wait for a quarter of an hour. The driver has no limit of its
//! own, so it is set here, around every statement.

use std::{future::Future, time::Duration};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::failure;

/// A connection or a transaction with a limit on each call; `None` for a database in the same process.
#[derive(Debug)]
pub struct Bounded<C> {
    pub(super) inner: C,
    pub(super) limit: Option<Duration>,
}

impl<C> Bounded<C> {
    pub(super) fn new(inner: C, limit: Option<Duration>) -> Self {
        Self { inner, limit }
    }

    pub(super) async fn bound<T>(&self, call: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        bound(self.limit, call).await
    }
}

/// `call`, ended with an error after `limit`.
pub(super) async fn bound<T>(
    limit: Option<Duration>,
    call: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(failure::silent(limit))),
        None => call.await,
    }
}

#[async_trait::async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Bounded<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.bound(self.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.bound(self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.bound(self.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.bound(self.inner.query_all_raw(statement)).await
    }
}
