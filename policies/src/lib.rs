//! The policy language: a repository of YAML files becomes, for each host, the resources that must hold.
//! Which kinds of resource there are comes from the table of modules that is passed in.

mod declaration;
mod expand;
mod files;
mod host;
mod kinds;
mod merge;
mod policy;
mod project;
mod repo;
mod resolve;
mod sealing;
mod secrets;
mod select;
mod typed;
mod waivers;

pub use files::discover;
pub use inventory::Identity;
pub use policy::Policy;
pub use repo::{Repo, load, load_on};
pub use resolve::Resolution;
pub use sealing::Reveal;
pub use secrets::{Provider, Store};
pub use select::Selection;
pub use waivers::Waiver;
