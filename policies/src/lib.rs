//! The policy language: a repository of YAML files becomes, for each host, the resources that must hold.
//! Which kinds of resource there are comes from the table of modules that is passed in.

mod declaration;
mod expand;
mod explain;
pub mod field;
mod files;
mod gather;
mod host;
mod kinds;
mod lost;
mod merge;
mod origin;
mod parameter;
mod policy;
mod project;
mod repo;
mod resolve;
pub mod schema;
mod sealing;
mod secrets;
mod section;
mod select;
mod technique;
mod tree;
mod typed;
mod usage;
mod waivers;

pub use explain::{Declared, DeclaredField, HIDDEN, Layer, SetBy, Variable};
pub use files::discover;
pub use inventory::Identity;
pub use origin::Origin;
pub use parameter::{Parameter, Type};
pub use policy::Policy;
pub use repo::{Repo, load, load_in_memory, load_on};
pub use resolve::Resolution;
pub use sealing::Reveal;
pub use secrets::{Provider, Store};
pub use select::Selection;
pub use technique::Technique;
pub use waivers::Waiver;
