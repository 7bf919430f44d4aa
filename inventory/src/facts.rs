//! What a host is, as far as conditions may ask for it.

use source::{Diagnostic, Node, Table};

/// The identity of a host. An empty text is a fact that the host does not have (no codename); `None` is one
/// that is not known yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `os.id`: `ID` of os-release(5), `debian`.
    pub os_id: Option<String>,
    /// `os.version`: `VERSION_ID` of os-release(5), `12`.
    pub os_version: Option<String>,
    /// `os.codename`: `VERSION_CODENAME` of os-release(5), `bookworm`.
    pub os_codename: Option<String>,
    /// `arch`: what `uname -m` prints, `x86_64`.
    pub arch: Option<String>,
    /// `hostname`: the short name that the host has for itself.
    pub hostname: Option<String>,
    /// `virtualization`: what `systemd-detect-virt` prints: `kvm`, `lxc`, `none`.
    pub virtualization: Option<String>,
}

impl Identity {
    pub(crate) fn read(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut identity = Self::default();
        let Some(mut table) = Table::open(node, "`facts`", diagnostics) else { return identity };
        if let Some(os) = table.get("os")
            && let Some(mut os) = Table::open(os, "`os`", diagnostics)
        {
            identity.os_id = os.read("id", diagnostics);
            identity.os_version = os.read("version", diagnostics);
            identity.os_codename = os.read("codename", diagnostics);
            os.finish("`os`", diagnostics);
        }
        identity.arch = table.read("arch", diagnostics);
        identity.hostname = table.read("hostname", diagnostics);
        identity.virtualization = table.read("virtualization", diagnostics);
        table.finish("`facts`", diagnostics);
        identity
    }

    /// What is known here, and where it is not, what `assumed` says.
    pub fn or(&self, assumed: &Self) -> Self {
        let pick = |one: &Option<String>, two: &Option<String>| one.clone().or_else(|| two.clone());
        Self {
            os_id: pick(&self.os_id, &assumed.os_id),
            os_version: pick(&self.os_version, &assumed.os_version),
            os_codename: pick(&self.os_codename, &assumed.os_codename),
            arch: pick(&self.arch, &assumed.arch),
            hostname: pick(&self.hostname, &assumed.hostname),
            virtualization: pick(&self.virtualization, &assumed.virtualization),
        }
    }

    /// Whether nothing is left to ask.
    pub fn is_complete(&self) -> bool {
        let facts =
            [&self.os_id, &self.os_version, &self.os_codename, &self.arch, &self.hostname, &self.virtualization];
        facts.iter().all(|fact| fact.is_some())
    }
}
