//! What the cluster lacks: findings with a sentence each, for `twinkey broker check`.
//!
//! It asks and changes nothing. Every finding says what to do about it where something is to be done.

mod addresses;
mod certificate;
mod rights;
mod settings;
mod versions;

use crate::{Cluster, cluster::Description};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// It works, and somebody should know.
    Warning,
    /// Tokens will not work, or not as promised.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at, in a word or two.
    pub subject: &'static str,
    /// What was found, and what to do about it.
    pub sentence: String,
}

/// All that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which it was looked at.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The worst of all findings.
    pub fn worst(&self) -> Severity {
        self.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
    }

    fn ok(&mut self, subject: &'static str, sentence: impl Into<String>) {
        self.add(Severity::Ok, subject, sentence.into());
    }

    fn warning(&mut self, subject: &'static str, sentence: impl Into<String>) {
        self.add(Severity::Warning, subject, sentence.into());
    }

    fn problem(&mut self, subject: &'static str, sentence: impl Into<String>) {
        self.add(Severity::Problem, subject, sentence.into());
    }

    fn add(&mut self, severity: Severity, subject: &'static str, sentence: String) {
        self.findings.push(Finding { severity, subject, sentence });
    }
}

impl Cluster {
    /// Looks at all that Twinkey needs. `now` is the time in seconds since 1970, for the certificates.
    pub async fn check(&self, now: i64) -> Report {
        let mut report = Report::default();
        let Some(description) = self.check_sign_in(&mut report).await else { return report };
        addresses::check(self, &description, now, &mut report).await;
        versions::check(self, &description, &mut report).await;
        rights::check(self, &mut report).await;
        settings::check(self, &description, &mut report).await;
        report
    }

    async fn check_sign_in(&self, report: &mut Report) -> Option<Description> {
        match self.describe().await {
            Ok(description) => {
                let account = &self.settings().account;
                report.ok(
                    "sign-in",
                    format!(
                        "signed in as {} by {} to the cluster {} of {} brokers",
                        account.user,
                        account.mechanism.name(),
                        description.id,
                        description.brokers.len()
                    ),
                );
                Some(description)
            }
            Err(error) => {
                report.problem("sign-in", error.to_string());
                None
            }
        }
    }
}
