//! The name of a resource.

use std::fmt;

/// What names one resource of one host: `user/ppom`, `file//etc/motd`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The kind, as [`crate::Module::KIND`] spells it.
    pub kind: &'static str,
    /// The name within its kind: an account, a path, a package.
    pub name: String,
}

impl Id {
    /// The resource `name` of `kind`.
    pub fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
