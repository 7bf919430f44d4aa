//! Exit codes: all of them, and which one a run ends with. The same for every format.

use crate::host::{Host, Status};
use crate::report::{Run, Totals};
use crate::resource::{Difference, Resource, Verdict};
use engine::Severity;

/// How `comply` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every host was reached and complies; waived drift, and drift of severity `info`, included.
    Compliant,
    /// `comply` could not do its work: bad usage, bad policy, a report that cannot be written, a defect.
    Unable,
    /// Drift was found by audit, or is left after enforce.
    Drift,
    /// A host could not be reached, or a check is unknown.
    Unchecked,
    /// Enforce failed on a resource, or a guarded change was rolled back.
    Failed,
    /// Both [`Exit::Drift`] and [`Exit::Unchecked`].
    DriftAndUnchecked,
    /// Interrupted; what was known is reported.
    Interrupted,
}

impl Exit {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Compliant => 0,
            Self::Unable => 1,
            Self::Drift => 2,
            Self::Unchecked => 3,
            Self::Failed => 4,
            Self::DriftAndUnchecked => 5,
            Self::Interrupted => 130,
        }
    }

    /// The table for help and manual page.
    pub const TABLE: &'static str = "\
Exit codes:
  0    every host was reached and complies (waived drift, and drift of severity `info`, included)
  1    comply could not do its work: bad usage, bad policy, a report that cannot be written, a defect
  2    drift: found by audit, or left after enforce
  3    something could not be checked: a host unreachable, a check unknown
  4    enforce failed on a resource, or a guarded change was rolled back
  5    both 2 and 3
  130  interrupted; what was known so far is reported
Where several hold, 130 comes first, then 1, 4, 5, 3, 2.";
}

/// How a run ends. An interrupted one says so whatever else it found; then the first of 1, 4, 5, 3, 2 that holds.
pub(crate) fn of(run: &Run, hosts: &[Host], totals: &Totals) -> Exit {
    let any = |holds: fn(Verdict, Severity) -> bool| {
        hosts.iter().flat_map(|host| &host.resources).any(|resource| holds(resource.verdict, resource.severity))
    };
    let drift =
        any(|verdict, severity| matches!(verdict, Verdict::Drift | Verdict::Blocked) && severity != Severity::Info);
    let in_part = |resource: &Resource| {
        resource.verdict == Verdict::Drift
            && resource.changes.iter().any(|change| matches!(change.difference, Difference::Unknown { .. }))
    };
    let unchecked = totals.unknown > 0
        || hosts.iter().any(is_unchecked)
        || hosts.iter().flat_map(|host| &host.resources).any(in_part);
    let broken = hosts.iter().any(|host| matches!(host.status, Status::Error { .. }));
    let nothing_was_checked = totals.counted + totals.waived == 0 && totals.unreachable == 0;
    if run.interrupted {
        Exit::Interrupted
    } else if broken || !run.errors.is_empty() || nothing_was_checked {
        Exit::Unable
    } else if totals.failed + totals.reverted > 0 {
        Exit::Failed
    } else {
        match (drift, unchecked) {
            (true, true) => Exit::DriftAndUnchecked,
            (true, false) => Exit::Drift,
            (false, true) => Exit::Unchecked,
            (false, false) => Exit::Compliant,
        }
    }
}

/// A host that was not reached, unless a waiver accepts that.
fn is_unchecked(host: &Host) -> bool {
    host.status != Status::Reached && !host.resources.iter().any(|resource| resource.verdict == Verdict::Waived)
}
