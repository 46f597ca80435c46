//! Verifying the audit log, while somebody waits.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, future::BoxFuture, stream};
use twinkey_api::{
    audit::{AuditProblem, AuditVerification},
    error::ErrorBody,
};

use super::broker_settings::NO_STORE;
use crate::{
    app::App,
    audit::verify::{self, Verdict, Verified, VerifyError},
    db,
    error::ApiError,
    extract::{InOrganisation, workspace::Admin},
};

/// For how long the answer waits as a whole. After that it begins, with white space, so that nobody takes it for lost.
const WHOLE: Duration = Duration::from_secs(15);
/// How often more white space is sent.
const PAUSE: Duration = Duration::from_secs(5);

/// Verify the whole audit log, against its signed checkpoints
///
/// It is read from the database piece by piece, one verification at a time on each server (409). A long one answers with white space in
/// front of the JSON until it is over. What it can and cannot show stands in docs/audit.md; for an auditor, who does not trust the
/// server, there is `twinkey audit verify`.
#[utoipa::path(
    post, path = "/audit/verify", tag = "audit",
    responses((status = 200, body = AuditVerification), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub async fn verify(State(app): State<Arc<App>>, _access: InOrganisation<Admin>) -> Result<Response, ApiError> {
    let turn = app.audit_verification.clone().try_lock_owned();
    let turn = turn.map_err(|_| ApiError::Invalid {
        code: "VerificationUnderWay",
        status: StatusCode::CONFLICT,
        message: "The audit log is being verified already; wait until that is over".into(),
    })?;
    let verifying = app.clone();
    // Ends with the answer, if somebody hangs up.
    let mut work: BoxFuture<_> = Box::pin(async move {
        let _turn = turn;
        run(&verifying).await
    });
    let headers = (NO_STORE, [(CONTENT_TYPE, "application/json")]);
    if let Ok(done) = tokio::time::timeout(WHOLE, &mut work).await {
        return Ok((headers, json(&done?)).into_response());
    }
    let stopping = Box::pin(async move { app.lifecycle.stopping().await });
    Ok((headers, Body::from_stream(slowly(work, stopping, PAUSE))).into_response())
}

/// White space until it is over, and then the answer. An error breaks it off, so that it is not taken for one.
fn slowly(
    work: BoxFuture<'static, Result<AuditVerification, ApiError>>,
    stopping: BoxFuture<'static, ()>,
    pause: Duration,
) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some((work, stopping)), move |under_way| async move {
        let (mut work, mut stopping) = under_way?;
        tokio::select! {
            done = &mut work => Some((done.map(|done| json(&done)).map_err(io::Error::other), None)),
            () = &mut stopping => Some((Err(io::Error::other("the server stops")), None)),
            () = tokio::time::sleep(pause) => Some((Ok(Bytes::from_static(b" ")), Some((work, stopping)))),
        }
    })
}

fn json(verification: &AuditVerification) -> Bytes {
    serde_json::to_vec(verification).expect("plain data").into()
}

async fn run(app: &App) -> Result<AuditVerification, ApiError> {
    // Its own keys, so that a checkpoint counts that they have signed, or vouch for.
    let trusted: Vec<String> = app.keys.signers().iter().map(|signer| signer.public_key.clone()).collect();
    let verified = verify::database(&*app.db, Vec::new(), &trusted).await;
    let at = db::timestamp(app.now().as_millisecond());
    let (verified, problem) = match verified {
        Ok(verified) => (Some(verified), None),
        Err(VerifyError::Db(error)) => return Err(error.into()),
        Err(VerifyError::Checkpoint(error)) => (None, Some(AuditProblem { sequence: None, reason: error.to_string() })),
    };
    let (checkpoints, confirmed) = verified.as_ref().map_or((0, 0), |it| (it.checkpoints as u64, it.confirmed));
    let (records, problem) = match verified {
        Some(Verified { verdict: Verdict::Intact { records, .. }, .. }) => (records, None),
        Some(Verified { verdict: Verdict::Broken { sequence, reason }, .. }) => {
            (sequence - 1, Some(AuditProblem { sequence: Some(sequence), reason }))
        }
        None => (0, problem),
    };
    if problem.is_some() {
        app.metrics.audit.broken.set(1);
    }
    let sentence = sentence(records, checkpoints, confirmed, problem.as_ref());
    Ok(AuditVerification {
        ok: problem.is_none(),
        records,
        checkpoints,
        confirmed,
        sentence,
        first_problem: problem,
        at,
    })
}

fn sentence(records: i64, checkpoints: u64, confirmed: i64, problem: Option<&AuditProblem>) -> String {
    match problem {
        None if checkpoints == 0 => format!(
            "All {records} records follow one another unchanged. No checkpoint was signed yet, so nothing shows whether the end is missing"
        ),
        None => format!(
            "All {records} records follow one another unchanged, and those up to {confirmed} are the ones that {checkpoints} \
             checkpoints were signed for"
        ),
        Some(AuditProblem { sequence: Some(sequence), reason }) => {
            format!(
                "The log is broken at record {sequence}: {reason}. Keep the database as it is, and see docs/audit.md"
            )
        }
        Some(AuditProblem { sequence: None, reason }) => {
            format!("A checkpoint cannot be trusted: {reason}. Keep the database as it is, and see docs/audit.md")
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, TryStreamExt, future};
    use jiff::Timestamp;
    use tokio::sync::oneshot;

    use super::*;

    fn found() -> AuditVerification {
        let at = Timestamp::UNIX_EPOCH;
        let sentence = sentence(7, 0, 0, None);
        AuditVerification { ok: true, records: 7, checkpoints: 0, confirmed: 0, sentence, first_problem: None, at }
    }

    #[tokio::test]
    async fn an_answer_that_takes_long_is_json_all_the_same() {
        let (finish, finished) = oneshot::channel::<()>();
        let work = Box::pin(async move {
            finished.await.expect("told");
            Ok(found())
        });
        let mut answer = Box::pin(slowly(work, Box::pin(future::pending()), Duration::from_millis(1)));
        let mut text = Vec::new();
        for _ in 0..3 {
            text.extend(answer.next().await.expect("it goes on").expect("not broken off"));
        }
        assert_eq!(text, b"   ");
        finish.send(()).expect("it is waited for");
        let rest: Vec<Bytes> = answer.try_collect().await.expect("not broken off");
        text.extend(rest.concat());
        assert_eq!(serde_json::from_slice::<AuditVerification>(&text).expect("JSON"), found());
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_finished_breaks_off() {
        let ended = |work, stopping| Box::pin(slowly(work, stopping, Duration::from_hours(1))).try_collect::<Vec<_>>();
        let failed = Box::pin(future::ready(Err(ApiError::Unavailable("gone".into()))));
        assert!(ended(failed, Box::pin(future::pending())).await.is_err());
        assert!(ended(Box::pin(future::pending()), Box::pin(future::ready(()))).await.is_err());
    }
}
