//! `secrets` of `comply.yml`: who gives secrets, as data.

use source::table::Table;
use source::{Diagnostic, Node, SecretName};

/// Who gives secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// How.
    pub store: Store,
    /// What stands before every name: `picasoft/`.
    pub prefix: String,
}

/// How secrets are kept. `secret('x', field='user')` is the line `user: …` of `x`; for `env` a variable of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// The password manager pass(1): the first line of an entry. The directory is its store: `~/.password-store` unless
    /// it is given here, from the root of the repository.
    Pass {
        /// A directory; `~/` is the home of who runs `comply`.
        store: Option<String>,
    },
    /// The environment of `comply`: `mattermost/db` is `COMPLY_SECRET_MATTERMOST_DB`, its field `user`
    /// `COMPLY_SECRET_MATTERMOST_DB_USER`.
    Env,
    /// A file for each, of which group and others have no rights: all that is in it but the line break at its end.
    File {
        /// A directory, from the root of the repository; `~/` is the home of who runs `comply`.
        directory: String,
    },
    /// What a program prints (age, sops, vault), without a shell: all of it but the line break at its end.
    Command {
        /// The program and its arguments; `{}` in them is the name.
        command: Vec<String>,
    },
}

const PROVIDERS: &str = "pass, env, file, command";

/// Keys of which it depends on the provider whether they mean anything.
const OF_PROVIDERS: [&str; 3] = ["store", "directory", "command"];

impl Provider {
    pub(crate) fn read(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let before = diagnostics.len();
        let mut table = Table::open(node, "`secrets`", diagnostics)?;
        let prefix = prefix(&mut table, diagnostics);
        let Some(provider) = table.required("provider", "`secrets`", diagnostics) else {
            for key in OF_PROVIDERS {
                table.get(key);
            }
            table.finish("`secrets`", diagnostics);
            return None;
        };
        let store = match provider.as_str() {
            Some("pass") => Some(Store::Pass { store: text(&mut table, "store", diagnostics) }),
            Some("env") => Some(Store::Env),
            Some("file") => {
                table.required("directory", "the provider `file`", diagnostics);
                text(&mut table, "directory", diagnostics).map(|directory| Store::File { directory })
            }
            Some("command") => command(&mut table, diagnostics).map(|command| Store::Command { command }),
            other => {
                let message = match other {
                    Some(name) => format!("there is no provider `{name}`"),
                    None => format!("`provider` is the name of one, not {}", provider.kind()),
                };
                diagnostics.push(
                    Diagnostic::error("unknown-provider", message)
                        .at(&provider.place, "")
                        .hint(format!("one of {PROVIDERS}")),
                );
                return None;
            }
        };
        table.finish(&format!("the provider `{}`", provider.as_str().unwrap_or_default()), diagnostics);
        store.filter(|_| diagnostics.len() == before).map(|store| Self { store, prefix })
    }
}

fn text(table: &mut Table<'_>, key: &'static str, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
    let text: String = table.read(key, diagnostics)?;
    if text.is_empty() || text.contains('\0') {
        let place = table.get(key).map(|node| node.place.clone())?;
        diagnostics.push(Diagnostic::error("bad-value", format!("`{key}` is a directory")).at(&place, ""));
        return None;
    }
    Some(text)
}

fn prefix(table: &mut Table<'_>, diagnostics: &mut Vec<Diagnostic>) -> String {
    let prefix: String = table.read("prefix", diagnostics).unwrap_or_default();
    if let (Err(why), Some(node)) = (SecretName::new(&format!("{prefix}x"), None), table.get("prefix")) {
        let message = format!("`prefix` begins the names of secrets, and {why}");
        diagnostics.push(Diagnostic::error("bad-value", message).at(&node.place, ""));
    }
    prefix
}

fn command(table: &mut Table<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<String>> {
    table.required("command", "the provider `command`", diagnostics);
    let command: Vec<String> = table.read("command", diagnostics)?;
    let place = table.get("command").map(|node| node.place.clone())?;
    let wrong = if command.first().is_none_or(String::is_empty) {
        "`command` names no program"
    } else if command.iter().any(|word| word.contains('\0')) {
        "`command` has a NUL in it"
    } else if !command.iter().skip(1).any(|word| word.contains("{}")) {
        "`command` does not say where the name of the secret goes"
    } else {
        return Some(command);
    };
    let hint = "write the program and its arguments, `{}` for the name: `[age, -d, -i, key.txt, \"secrets/{}.age\"]`";
    diagnostics.push(Diagnostic::error("bad-value", wrong).at(&place, "").hint(hint));
    None
}
