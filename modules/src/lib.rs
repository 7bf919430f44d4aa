//! The kinds of resource a policy can speak of: one file each, and one line in [`MODULES`].
//!
//! A kind is pure: it reads [`engine::Facts`], compares, and answers with operations as data. What it asks of
//! a host lives in [`facts`].

pub mod account_name;
pub mod date;
pub mod duration;
pub mod facts;
pub mod group;
pub mod mode;
pub mod presence;
pub mod user;

use engine::{AnyModule, Kind};

/// Every kind, one line each.
pub static MODULES: &[&dyn AnyModule] = &[
    &Kind(&group::Group),
    &Kind(&user::User),
];
