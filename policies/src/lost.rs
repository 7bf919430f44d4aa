//! What of a repository could not be read. What may only follow from that is not told: every mistake is told once.

use inventory::loses_names;
use source::Diagnostic;

/// Mistakes of a policy or a technique after which everything in it is still declared.
const HARMLESS: &[&str] = &[
    "bad-value",
    "unknown-key",
    "unknown-parameter",
    "missing-parameter",
    "bad-argument",
    "bad-parameter",
    "name-taken",
];

/// What could not be read, whole or in part.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lost {
    /// Variables, of `comply.yml` or of the inventory.
    pub(crate) variables: bool,
    /// Who gives secrets.
    pub(crate) provider: bool,
    /// Hosts or groups.
    pub(crate) hosts: bool,
    /// Techniques.
    pub(crate) techniques: bool,
    /// Declarations, of a policy or of a technique.
    pub(crate) declarations: bool,
}

impl Lost {
    /// Takes in what reading `comply.yml` said.
    pub(crate) fn project(&mut self, said: &[Diagnostic]) {
        self.variables |= loses_names(said);
        self.provider |= said.iter().any(Diagnostic::is_error);
    }

    /// Takes in what reading the inventory said.
    pub(crate) fn inventory(&mut self, said: &[Diagnostic]) {
        let lost = loses_names(said);
        self.hosts |= lost;
        self.variables |= lost;
    }

    /// Takes in what reading the techniques said.
    pub(crate) fn techniques(&mut self, said: &[Diagnostic]) {
        let lost = loses_declarations(said);
        self.techniques |= lost;
        self.declarations |= lost;
    }

    /// Takes in what reading the policies said.
    pub(crate) fn policies(&mut self, said: &[Diagnostic]) {
        self.declarations |= loses_declarations(said);
    }

    /// Takes in that a file or a directory has another name than the one that is read.
    pub(crate) fn stray(&mut self, meant: &str) {
        match meant {
            "comply.yml" => (self.variables, self.provider) = (true, true),
            "inventory.yml" | "inventory" => (self.hosts, self.variables) = (true, true),
            "techniques" => (self.techniques, self.declarations) = (true, true),
            "policies" => self.declarations = true,
            _ => {}
        }
    }

    /// Whether a mistake may only follow from what could not be read.
    pub(crate) fn explains(&self, mistake: &Diagnostic) -> bool {
        match mistake.code {
            "undefined-name" => self.variables,
            "no-secrets" => self.provider,
            "unknown-host" | "no-hosts" => self.hosts,
            "unknown-technique" => self.techniques,
            _ => false,
        }
    }
}

/// Whether declarations may be missing after these mistakes.
fn loses_declarations(said: &[Diagnostic]) -> bool {
    said.iter().any(|mistake| mistake.is_error() && !HARMLESS.contains(&mistake.code))
}
