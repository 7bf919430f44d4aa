//! The report of one run: the source of every format.

use crate::exit::{self, Exit};
use crate::host::{Host, Status};
use crate::resource::Verdict;
use engine::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The version of this schema. It grows when a field goes away or changes its meaning, not when one is added.
pub const SCHEMA: u32 = 1;

/// What one run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of this schema.
    pub schema: u32,
    /// The run itself.
    pub run: Run,
    /// Its hosts, in inventory order.
    pub hosts: Vec<Host>,
    /// What it comes to.
    pub totals: Totals,
}

/// The run itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Unlike that of any other run.
    pub id: String,
    /// What was asked for.
    pub command: Command,
    /// When it began.
    #[schemars(with = "String")]
    pub started: jiff::Timestamp,
    /// How long it took, in seconds.
    pub duration: f64,
    /// The state of the policy repository; `null` where it is not under Git.
    pub policy: Option<Revision>,
    /// The version of `comply`.
    pub comply: String,
    /// The options that chose repository, hosts and resources, each with its value; a hint repeats them.
    pub selection: Vec<[String; 2]>,
    /// What is excused on its hosts, and what was until lately.
    #[serde(default)]
    pub waivers: Vec<Waiver>,
    /// It was interrupted before it ended.
    pub interrupted: bool,
    /// What `comply` itself could not do: a report that could not be written, an internal error.
    pub errors: Vec<String>,
}

/// A deviation that is accepted for a while, as waivers.yml has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiver {
    /// The resource's id, or a glob over ids.
    pub resource: String,
    /// The hosts of the run that it is for.
    pub hosts: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day that it holds, in UTC: `2027-01-31`.
    #[schemars(with = "String")]
    pub until: jiff::civil::Date,
    /// It holds no longer, and excuses nothing.
    pub expired: bool,
}

/// The command that made the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Compared, nothing changed.
    Audit,
    /// Put right.
    Enforce,
}

/// The state of the policy repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// The commit that is checked out.
    pub commit: String,
    /// Files differ from that commit.
    pub dirty: bool,
}

/// What a run comes to. Waived and skipped resources are counted apart, neither for nor against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Hosts of the run.
    pub hosts: usize,
    /// Hosts that could not be reached.
    pub unreachable: usize,
    /// Hosts with at least one resource that is in drift, blocked, failed or reverted.
    pub drifting: usize,
    /// Resources by verdict.
    pub compliant: usize,
    /// In drift.
    pub drift: usize,
    /// Of these, in drift with severity `info`: they do not fail a run.
    pub info: usize,
    /// Blocked by another resource.
    pub blocked: usize,
    /// Could not be told.
    pub unknown: usize,
    /// In drift under a valid waiver.
    pub waived: usize,
    /// Not for this host.
    pub skipped: usize,
    /// Was compliant, left alone.
    pub kept: usize,
    /// Changed and seen to be compliant.
    pub changed: usize,
    /// Could not be put right.
    pub failed: usize,
    /// Rolled back on the host.
    pub reverted: usize,
    /// Resources for (`compliant`, `kept`, `changed`).
    pub fulfilled: usize,
    /// Resources for and against: what compliance is measured by.
    pub counted: usize,
    /// Per cent of `counted` that is `fulfilled`, rounded down; `null` where nothing was counted.
    pub compliance: Option<u8>,
    /// The exit code.
    pub exit: u8,
}

impl Report {
    /// The report of `run` on `hosts`.
    pub fn new(run: Run, hosts: Vec<Host>) -> Self {
        let mut report = Self { schema: SCHEMA, run, totals: Totals::of(&hosts), hosts };
        report.judge();
        report
    }

    /// Records that `comply` itself could not do something.
    pub fn fail(&mut self, error: impl Into<String>) {
        self.run.errors.push(error.into());
        self.judge();
    }

    /// How the run ends.
    pub fn exit(&self) -> Exit {
        exit::of(&self.run, &self.hosts, &self.totals)
    }

    fn judge(&mut self) {
        self.totals.exit = self.exit().code();
    }
}

impl Totals {
    /// The totals of `hosts`, without the exit code.
    pub fn of(hosts: &[Host]) -> Self {
        let mut totals = Self { hosts: hosts.len(), ..Self::default() };
        for host in hosts {
            totals.unreachable += usize::from(matches!(host.status, Status::Unreachable { .. }));
            totals.drifting += usize::from(host.resources.iter().any(|resource| resource.verdict.is_against()));
            for resource in &host.resources {
                *totals.slot(resource.verdict) += 1;
                totals.info += usize::from(resource.verdict == Verdict::Drift && resource.severity == Severity::Info);
            }
        }
        totals.fulfilled = totals.compliant + totals.kept + totals.changed;
        totals.counted =
            totals.fulfilled + totals.drift + totals.blocked + totals.unknown + totals.failed + totals.reverted;
        totals.compliance =
            (totals.fulfilled * 100).checked_div(totals.counted).and_then(|part| u8::try_from(part).ok());
        totals
    }

    /// How many resources have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Compliant => self.compliant,
            Verdict::Drift => self.drift,
            Verdict::Blocked => self.blocked,
            Verdict::Unknown => self.unknown,
            Verdict::Waived => self.waived,
            Verdict::Skipped => self.skipped,
            Verdict::Kept => self.kept,
            Verdict::Changed => self.changed,
            Verdict::Failed => self.failed,
            Verdict::Reverted => self.reverted,
        }
    }

    fn slot(&mut self, verdict: Verdict) -> &mut usize {
        match verdict {
            Verdict::Compliant => &mut self.compliant,
            Verdict::Drift => &mut self.drift,
            Verdict::Blocked => &mut self.blocked,
            Verdict::Unknown => &mut self.unknown,
            Verdict::Waived => &mut self.waived,
            Verdict::Skipped => &mut self.skipped,
            Verdict::Kept => &mut self.kept,
            Verdict::Changed => &mut self.changed,
            Verdict::Failed => &mut self.failed,
            Verdict::Reverted => &mut self.reverted,
        }
    }
}

/// A duration as reports carry it: seconds, to the millisecond.
pub fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}
