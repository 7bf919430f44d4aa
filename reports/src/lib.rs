//! What a run found, as one value, and every form in which it is told.
//!
//! [`Report`] is data; [`text`], [`json`] and [`junit`] are pure functions of it, so that all formats of one run say
//! the same, with the same exit code ([`exit`]).

pub mod escape;
pub mod exit;
pub mod explain;
pub mod host;
pub mod json;
pub mod junit;
mod line;
mod phrase;
pub mod plan;
pub mod report;
pub mod resource;
pub mod schema;
pub mod style;
pub mod text;

pub use exit::Exit;
pub use host::{Host, Status};
pub use report::{Command, Report, Revision, Run, Totals, Waiver};
pub use resource::{Change, Difference, Place, Resource, Verdict};
pub use style::Style;
