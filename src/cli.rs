//! The command line. The doc comments are the help, the manual page and the completions.

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use reports::Exit;
use std::path::PathBuf;
use std::time::Duration;

/// Says how real machines differ from what a repository of YAML wants of them, and puts them right.
///
/// `check` reads the repository alone. `audit` compares hosts with it and changes nothing. `enforce` shows what it
/// would change, asks, changes it, and believes the result only after it has looked again.
#[derive(Debug, Parser)]
#[command(name = "comply", version, after_help = Exit::TABLE, disable_help_subcommand = true)]
pub struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read the whole repository, for every host, without reaching any: all mistakes at once
    Check(Check),
    /// Compare hosts with their policies, and change nothing
    Audit(Audit),
    /// Put hosts right: show the plan, ask, apply it, and look again
    Enforce(Enforce),
    /// Show in which order the resources of a host are put right, and why
    Graph(Graph),
    /// Show where the variables of a host, or each value of one of its resources, come from
    Explain(Explain),
    /// Print a JSON Schema, which lets editors complete and check what is written, and programs read reports
    Schema {
        /// Of what
        what: Schema,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, for man(1)
    Man,
}

/// Read the whole repository.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub repository: Repository,
}

/// Compare hosts with their policies.
#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    pub repository: Repository,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub reaching: Reaching,
    #[command(flatten)]
    pub output: Output,
}

/// Put hosts right.
#[derive(Debug, Args)]
pub struct Enforce {
    #[command(flatten)]
    pub repository: Repository,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub reaching: Reaching,
    #[command(flatten)]
    pub output: Output,
    /// Apply the plan without a question; needed where there is no terminal to ask on
    #[arg(long, short)]
    pub yes: bool,
    /// With --yes, also destroy data of resources whose id matches, such as `user/antoine` (a home, a package's
    /// configuration); may be repeated
    #[arg(long, value_name = "ID-GLOB")]
    pub allow_destroy: Vec<String>,
    /// Begin no other host after this many ended with a failure
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub max_failures: usize,
}

/// Show the order of a host's resources.
#[derive(Debug, Args)]
pub struct Graph {
    /// The host
    pub host: String,
    #[command(flatten)]
    pub repository: Repository,
    /// The form of the graph
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: GraphFormat,
}

/// Show where what holds comes from.
#[derive(Debug, Args)]
pub struct Explain {
    /// The host
    pub host: String,
    /// One of its resources, by its id, such as `user/alice`; without it, the host itself
    pub resource: Option<String>,
    #[command(flatten)]
    pub repository: Repository,
    /// The form of the explanation
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ExplainFormat,
}

/// Which repository, seen how.
#[derive(Debug, Args)]
pub struct Repository {
    /// The policy repository; without it, the nearest directory above this one that has a `comply.yml` or an
    /// `inventory.yml`
    #[arg(short = 'C', long = "directory", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Set a variable, above all others; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub var: Vec<(String, String)>,
}

/// Which hosts, and which of their resources. Options of different names narrow each other; one that is repeated
/// widens itself.
#[derive(Debug, Args)]
pub struct Selection {
    /// Only these hosts: names, groups and globs, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub limit: Vec<String>,
    /// Not these hosts
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub except: Vec<String>,
    /// Only what this policy declares; may be repeated
    #[arg(long, value_name = "NAME")]
    pub policy: Vec<String>,
    /// Only resources whose id matches, such as `user/*` (`*` crosses `/`); may be repeated
    #[arg(long, value_name = "ID-GLOB")]
    pub only: Vec<String>,
    /// Only resources with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
}

/// How hosts are reached.
#[derive(Debug, Args)]
pub struct Reaching {
    /// Hosts at a time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = at_least_one)]
    pub forks: usize,
    /// How long a host may take over one round of questions, such as `30s` or `2m`; to connect it gets what the
    /// inventory says, and no more than this
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub timeout: Duration,
    /// Ask once for sudo's password, for all hosts. A script sets COMPLY_BECOME_PASSWORD instead
    #[arg(long, short = 'K')]
    pub ask_become_pass: bool,
}

/// What is told, and where.
#[derive(Debug, Args)]
pub struct Output {
    /// Show everything: compliant resources too, long diffs and sets in full
    #[arg(long, short, overrides_with = "verbose")]
    pub verbose: bool,
    /// Report as `text`, `json` or `junit`; with `=FILE` into a file. May be repeated, one of them to standard output; where
    /// none is, that is text
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = destination)]
    pub format: Vec<Destination>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs, with everything in it
    Json,
    /// For GitLab and others that read JUnit's XML: a case for each resource
    Junit,
}

/// The form of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For people
    Text,
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
}

/// The form of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What there is a JSON Schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Schema {
    /// `comply.yml`
    Project,
    /// `inventory.yml`, and each file of `inventory/`
    Inventory,
    /// The files of `policies/`
    Policy,
    /// The files of `techniques/`
    Technique,
    /// `waivers.yml`
    Waivers,
    /// The JSON report of audit and enforce
    Report,
    /// What `comply explain --format json` tells
    Explanation,
}

/// A report and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its form.
    pub format: Format,
    /// The file; `None` is standard output.
    pub file: Option<PathBuf>,
}

fn destination(text: &str) -> Result<Destination, String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err("there is no file after `=`".to_owned()),
        Some((name, file)) => (name, (file != "-").then(|| PathBuf::from(file))),
        None => (text, None),
    };
    let format = Format::from_str(name, false).map_err(|_| "a report is `text`, `json` or `junit`".to_owned())?;
    Ok(Destination { format, file })
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as a number with its unit: `500ms`, `30s` or `2m`".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    match milliseconds {
        Some(0) => Err("no host can answer in no time".to_owned()),
        // A day; more would only overflow clocks.
        Some(milliseconds) if milliseconds <= 86_400_000 => Ok(Duration::from_millis(milliseconds)),
        Some(_) => Err("a day is the most".to_owned()),
        None => Err(wrong()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it must be a whole number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

impl Repository {
    /// The options as they were given, for a hint that repeats them, and for reports: without what is nobody's business.
    pub fn given(&self) -> Vec<[String; 2]> {
        let shown = |name: &str, value: &str| match source::hides(name) {
            true => format!("{name}={}", policies::HIDDEN),
            false => format!("{name}={value}"),
        };
        let directory = self.directory.iter().map(|dir| ["-C".to_owned(), dir.display().to_string()]);
        let vars = self.var.iter().map(|(name, value)| ["--var".to_owned(), shown(name, value)]);
        directory.chain(vars).collect()
    }
}

impl Selection {
    /// The options as they were given, for a hint that repeats them.
    pub fn given(&self) -> Vec<[String; 2]> {
        let lists = [("--limit", &self.limit), ("--except", &self.except)]
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(option, list)| [option.to_owned(), list.join(",")]);
        let repeated = [("--policy", &self.policy), ("--only", &self.only), ("--tag", &self.tag)];
        let repeated = repeated
            .into_iter()
            .flat_map(|(option, values)| values.iter().map(move |value| [option.to_owned(), value.clone()]));
        lists.chain(repeated).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_agree_with_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_duration_has_a_unit_and_an_end() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "s", "-1s", "0", "1d", "99999999999999999999s", "25h", "1.5s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_destination_is_a_format_and_perhaps_a_file() {
        let file = |file: &str| Some(PathBuf::from(file));
        assert_eq!(destination("json"), Ok(Destination { format: Format::Json, file: None }));
        assert_eq!(destination("json=-"), Ok(Destination { format: Format::Json, file: None }));
        assert_eq!(destination("text=a=b"), Ok(Destination { format: Format::Text, file: file("a=b") }));
        assert!(destination("json=").is_err());
        assert!(destination("xml").is_err());
    }
}
