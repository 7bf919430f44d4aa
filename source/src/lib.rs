//! What policies are written in: YAML with places, messages that point at them, conditions and templates.
//! Nothing here knows what a host or a resource is.

pub mod de;
pub mod diagnostic;
pub mod expr;
mod file_template;
pub mod glob;
mod hide;
pub mod node;
pub mod place;
mod public;
pub mod render;
pub mod rendering;
pub mod scope;
pub mod secret;
mod spot;
pub mod suggest;
pub mod table;
pub mod template;
mod tera_value;
mod used;
pub mod version;
pub mod yaml;

pub use diagnostic::{Diagnostic, Level, any_error, sorted};
pub use expr::{Each, Expr, Truth};
pub use file_template::{FileTemplate, NotRendered};
pub use hide::hides;
pub use node::{Key, Node, Scalar, Style, Value};
pub use place::{Place, SourceFile};
pub use render::render;
pub use scope::{Local, Path, Scope};
pub use secret::{SecretName, Secrets};
pub use spot::spot;
pub use table::{Table, unknown_key};
pub use template::{Rendered, Template};
