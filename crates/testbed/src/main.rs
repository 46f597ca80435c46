//! Runs a command beside the real parts that tests share, so that many test processes start them only once.
//!
//! `twinkey-testbed COMMAND…` starts an Apache Kafka of one node and a PostgreSQL, tells the command of them in
//! `TWINKEY_TEST_KAFKA` and `TWINKEY_TEST_POSTGRES`, ends them with it, and has its exit status. A part that does not start
//! fails the command before it begins: a test that needs it must not pass without.

use std::{
    process::{Command, ExitCode},
    thread,
};

use twinkey_testbed::{
    kafka::{self, Kafka},
    postgres::Postgres,
};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: twinkey-testbed COMMAND…");
        return ExitCode::from(2);
    };
    let (kafka, postgres) = thread::scope(|scope| {
        let kafka = scope.spawn(|| Kafka::start(1));
        let postgres = Postgres::start();
        (kafka.join(), postgres)
    });
    let Ok(kafka) = kafka else { return ExitCode::FAILURE };
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .env(kafka::SHARED, kafka.directory())
        .env("TWINKEY_TEST_POSTGRES", postgres.url("postgres"));
    match command.status() {
        Ok(status) => ExitCode::from(status.code().map_or(1, |code| u8::try_from(code).unwrap_or(1))),
        Err(error) => {
            eprintln!("{} cannot be run: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}
