//! PostgreSQL: for more than one server, or where the operator has one anyway.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector, Statement,
    sqlx::{
        self, ConnectOptions, Connection, PgConnection,
        postgres::{PgConnectOptions, PgPoolOptions},
    },
};

use super::OpenError;

/// Its clock, in milliseconds since the epoch: of this instant, not of the transaction's begin.
pub const VERSION: &str = "SHOW server_version";
/// See [`super::now_ms`].
pub const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)";

/// A row if there is a table of this name where an unqualified name is looked for.
pub const HAS_TABLE: &str =
    "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1";

/// How long any call may take, seen from here. Longer than the limits that the server keeps by itself, which say more.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How long a first connection is tried while the server refuses connections or starts.
const START_PATIENCE: Duration = Duration::from_secs(5);
/// How long one attempt to connect may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);
/// How long a request waits for a connection of the pool.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(5);
/// How long an idle connection may take to show that it lives.
const PING_LIMIT: Duration = Duration::from_secs(1);
/// Connections of one server. Those of all replicas together must fit into PostgreSQL's `max_connections` (100 by default).
const POOL_SIZE: u32 = 16;
/// The advisory lock of the one writer. Any number will do, if it is always the same.
const WRITE_LOCK: i64 = 0x0074_7769_6e6b_6579;

/// Limits that the server keeps for each of our connections. Whoever holds the write lock and is paused or cut off loses it
/// after `idle_in_transaction_session_timeout`, and with it the transaction: the others wait a little longer than that.
const SESSION: [(&str, &str); 9] = [
    ("idle_in_transaction_session_timeout", "2000"),
    ("lock_timeout", "6000"),
    ("statement_timeout", "8000"),
    ("default_transaction_isolation", "read committed"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "8000"),
    // Its notices say that what should exist exists.
    ("client_min_messages", "warning"),
];

/// Where a PostgreSQL is, and as whom we go there.
pub struct Target {
    options: PgConnectOptions,
    place: String,
}

impl Target {
    /// The target of a URL; `None` if it is one for SQLite.
    pub fn parse(url: &str) -> Result<Option<Self>, OpenError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => return Ok(None),
            Some("postgres" | "postgresql") => {}
            // Without the rest, which may hold a password.
            Some(scheme) => return Err(OpenError::Url(format!("begins with {scheme}:, which is not supported"))),
            None => return Err(OpenError::Url("has no scheme".into())),
        }
        let options: PgConnectOptions =
            url.parse().map_err(|error| OpenError::Url(format!("cannot be understood ({error})")))?;
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let mut options = options.disable_statement_logging().options(SESSION);
        if options.get_application_name().is_none() {
            options = options.application_name("twinkey");
        }
        Ok(Some(Self { options, place }))
    }

    /// The same, for looking only.
    pub fn read_only(self) -> Self {
        // Reading a whole log takes its time.
        let settings = [("default_transaction_read_only", "on"), ("statement_timeout", "0")];
        Self { options: self.options.options(settings), ..self }
    }

    /// Connects once, to be able to say what is wrong, and gives a pool that connects by itself from then on.
    pub async fn connect(self) -> Result<DatabaseConnection, OpenError> {
        let mut connection = self.first_connection().await?;
        let options = match tokio::time::timeout(ANSWER_LIMIT, self.check(&mut connection)).await {
            Ok(checked) => checked?,
            Err(_) => return Err(self.unreachable("it does not answer")),
        };
        let _ = connection.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(POOL_SIZE)
            .acquire_timeout(ACQUIRE_LIMIT)
            .idle_timeout(Duration::from_mins(5))
            .max_lifetime(Duration::from_mins(30))
            // In place of the driver's own test, which would wait for ever for a network that swallows packets.
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(answers(connection)))
            .after_release(|connection, _| Box::pin(answers(connection)))
            .connect_lazy_with(options);
        Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
    }

    /// Retries only while that can help: nobody listens, or the server is starting.
    async fn first_connection(&self) -> Result<PgConnection, OpenError> {
        let deadline = tokio::time::Instant::now() + START_PATIENCE;
        loop {
            let error = match tokio::time::timeout(CONNECT_LIMIT, self.options.connect()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.unreachable("there is no answer")),
            };
            let starting = match &error {
                sqlx::Error::Io(cause) => cause.kind() == std::io::ErrorKind::ConnectionRefused,
                sqlx::Error::Database(cause) => cause.code().is_some_and(|code| code == "57P03"),
                _ => false,
            };
            if !starting || tokio::time::Instant::now() > deadline {
                return Err(self.explain(error));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Is it one that can be worked with? Returns the options for all further connections.
    async fn check(&self, connection: &mut PgConnection) -> Result<PgConnectOptions, OpenError> {
        let place = || self.place.clone();
        let mut show = async |name: &str| -> Result<String, OpenError> {
            let sql = "SELECT current_setting($1)";
            sqlx::query_scalar(sql).bind(name).fetch_one(&mut *connection).await.map_err(|error| self.explain(error))
        };
        if show("server_version_num").await?.parse().is_ok_and(|version: u32| version < 130_000) {
            return Err(OpenError::TooOld { place: place(), version: show("server_version").await? });
        }
        let only_reading = self.options.get_options().is_some_and(|it| it.contains("default_transaction_read_only=on"));
        if !only_reading && show("transaction_read_only").await? == "on" {
            return Err(OpenError::ReadOnly { place: place() });
        }
        // An acknowledged rotation must survive a crash of the server, whatever its default is.
        let durable = !matches!(&*show("synchronous_commit").await?, "off" | "local");
        let options = self.options.clone();
        Ok(if durable { options } else { options.options([("synchronous_commit", "on")]) })
    }

    fn unreachable(&self, cause: &str) -> OpenError {
        OpenError::Unreachable { place: self.place.clone(), cause: cause.to_owned() }
    }

    /// The sentence for an error of a first connection.
    fn explain(&self, error: sqlx::Error) -> OpenError {
        let (place, user) = (self.place.clone(), self.options.get_username().to_owned());
        match error {
            // What rustls thinks of a certificate comes as an error of the socket.
            sqlx::Error::Io(cause) if cause.kind() == std::io::ErrorKind::InvalidData => {
                OpenError::Encryption { place, cause: cause.to_string() }
            }
            // Without a socket in the file system, a file that is missing is one that the URL names for the encryption.
            sqlx::Error::Io(cause)
                if cause.kind() == std::io::ErrorKind::NotFound && self.options.get_socket().is_none() =>
            {
                OpenError::Encryption { place, cause: format!("a file that the URL names is missing ({cause})") }
            }
            sqlx::Error::Io(cause) => self.unreachable(&cause.to_string()),
            sqlx::Error::Tls(cause) => OpenError::Encryption { place, cause: cause.to_string() },
            // A certificate or key that the URL names and that cannot be read.
            sqlx::Error::Configuration(cause) => OpenError::Url(format!("cannot be used ({cause})")),
            sqlx::Error::Database(cause) => match cause.code().as_deref() {
                // pg_hba.conf may also ask for encryption; the server's words say so.
                Some(code) if code.starts_with("28") => {
                    OpenError::Refused { place, user, cause: cause.message().to_owned() }
                }
                Some("3D000") => {
                    let database = self.options.get_database().unwrap_or(&user).to_owned();
                    OpenError::NoDatabase { place, user, database }
                }
                Some(code) if code.starts_with("57P") || code.starts_with("53") => self.unreachable(cause.message()),
                _ => DbErr::Conn(RuntimeErr::SqlxError(sqlx::Error::Database(cause).into())).into(),
            },
            other => self.unreachable(&other.to_string()),
        }
    }
}

/// Whether a connection lives, known soon.
async fn answers(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // The pool then gives the connection up without a farewell, which might hang as well.
    tokio::time::timeout(PING_LIMIT, connection.ping()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
}

/// Makes this transaction the only one that writes, until it ends. Every statement behind it sees what the writer before has
/// committed, because each takes a snapshot of its own (READ COMMITTED).
pub async fn take_the_lock(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    let sql = format!("SELECT pg_advisory_xact_lock({WRITE_LOCK})");
    transaction.execute_raw(Statement::from_string(DbBackend::Postgres, sql)).await.map(drop)
}

/// For this transaction none of the limits of [`SESSION`]: a step of a migration or a copy takes as long as it takes.
pub async fn take_all_the_time(transaction: &impl ConnectionTrait) -> Result<(), DbErr> {
    let sql = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
               SET LOCAL idle_in_transaction_session_timeout = 0";
    transaction.execute_unprepared(sql).await.map(drop)
}
