//! sshd's configuration: what holds, where it is written, and what values mean to it.

use super::units::microseconds;
use engine::{Answer, Batch, Blind, Fact, Query};
use std::collections::BTreeMap;

/// The one file that the kind `sshd` writes. The first value of most keywords counts, so it is read first.
pub const DROP_IN: &str = "/etc/ssh/sshd_config.d/00-comply.conf";

/// The status of the query where there is no sshd.
const NO_SSHD: i32 = 69;

/// Values by keyword, in lower case; those that accumulate have several.
pub type Values = BTreeMap<String, Vec<String>>;

/// An SSH server and its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sshd {
    /// `SSHD_OPTS` of /etc/default/ssh, which comes before all files.
    options: String,
    /// What the unit starts sshd with besides, which comes before that.
    unit: String,
    /// What holds for connections that no `Match` speaks of, as `sshd -T` prints it.
    pub effective: Values,
    /// All lines that say something, in the order in which sshd reads them.
    pub lines: Vec<Line>,
    /// How many of them come before the directory of the drop-in, if an `Include` outside of `Match` names it.
    pub before_ours: Option<usize>,
    /// When each file last changed, in microseconds since 1970-01-01 UTC.
    pub changed: BTreeMap<String, i64>,
    /// When the running sshd read its configuration, by the same clock; `None`: it reads it for each connection, or nobody
    /// can tell.
    pub read_at: Option<i64>,
    /// systemd listens in its place (`ssh.socket`).
    pub socket: bool,
}

/// A line of sshd_config(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its file.
    pub file: String,
    /// Its number in there, from 1.
    pub number: usize,
    /// The keyword, in lower case.
    pub keyword: String,
    /// What follows it, as it is written.
    pub value: String,
    /// The criteria of the `Match` block it is in.
    pub within: Option<String>,
}

/// The criteria of a block that holds for everybody, and before all that stands outside of blocks.
const ALL: &str = "all";

impl Line {
    /// It is in a `Match all`.
    pub fn is_for_all(&self) -> bool {
        self.within.as_deref() == Some(ALL)
    }

    /// `FILE line N`.
    pub fn place(&self) -> String {
        format!("{} line {}", self.file, self.number)
    }
}

/// The server of the host; `None`: there is none.
pub static SSHD: Fact<Option<Sshd>> = Fact {
    query: Query::new("sshd", include_str!("sshd.sh")).limit(1 << 20),
    decode: |answer, _| match answer.status {
        NO_SSHD => Ok(None),
        _ => read(answer.ok()?.text()?).map(Some),
    },
};

/// What the host's sshd makes of the lines of one keyword (1 argument, separated by newlines): its canonical values, or why
/// it refuses them. All are asked in one run, and one by one only if something in there is refused.
pub static CANONICAL: Fact<Result<Vec<String>, String>> = Fact {
    query: Query::new("sshd values", include_str!("sshd_canonical.sh"))
        .batched(Batch::Split(one_by_one))
        .limit(1 << 20),
    decode: |answer, args| {
        let text = answer.text()?;
        let keyword = args.first().and_then(|lines| lines.split(' ').next()).unwrap_or_default().to_lowercase();
        match text.split_once('\n') {
            Some(("wrong", said)) => Ok(Err(plain(said))),
            Some(("right" | "together", printed)) => Ok(Ok(values(printed).remove(&keyword).unwrap_or_default())),
            _ => Err(answer.blind()),
        }
    },
};

fn one_by_one(answer: &Answer, probes: &[&[String]]) -> Vec<Answer> {
    let text = String::from_utf8_lossy(&answer.out);
    if !text.starts_with("right") && !text.starts_with("wrong") {
        return vec![answer.clone(); probes.len()];
    }
    let parts: Vec<&str> = text.split_inclusive("\n.\n").collect();
    let part = |at: usize| parts.get(at).map_or("", |part| part.strip_suffix(".\n").unwrap_or(part));
    (0..probes.len()).map(|at| Answer { out: part(at).into(), ..answer.clone() }).collect()
}

/// sshd's complaint without where it thinks that it read it.
fn plain(said: &str) -> String {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it did not say why");
    let rest = line.strip_prefix("command-line").unwrap_or(line).trim_start_matches([':', ' ']);
    let rest = rest.strip_prefix("line 0").unwrap_or(rest).trim_start_matches([':', ' ']);
    rest.trim_end_matches('.').to_owned()
}

fn values(printed: &str) -> Values {
    let mut values = Values::new();
    for (keyword, value) in printed.lines().filter_map(|line| line.split_once(' ')) {
        values.entry(keyword.to_owned()).or_default().push(value.trim().to_owned());
    }
    values
}

fn read(text: &str) -> Result<Sshd, Blind> {
    let garbled = || Blind::Garbled("sshd's configuration was not shown as a whole".into());
    let (effective, rest) = text.split_once("\n.\n").ok_or_else(garbled)?;
    let (files, units) =
        rest.split_once("\n.\n").or_else(|| Some((rest.strip_suffix("\n.")?, ""))).ok_or_else(garbled)?;
    let (options, effective) = effective.split_once('\n').ok_or_else(garbled)?;
    let (unit, effective) = effective.split_once('\n').ok_or_else(garbled)?;
    let mut sshd = Sshd {
        options: options.strip_prefix("options ").ok_or_else(garbled)?.trim().to_owned(),
        unit: unit.strip_prefix("unit").ok_or_else(garbled)?.trim().to_owned(),
        effective: values(effective),
        ..Sshd::default()
    };
    sshd.read_files(files);
    sshd.read_units(units);
    Ok(sshd)
}

impl Sshd {
    fn read_files(&mut self, text: &str) {
        // A `Match` in an included file ends with it.
        let mut open: Vec<(String, Option<String>)> = Vec::new();
        for line in text.lines() {
            let within = open.last().and_then(|(_, within)| within.clone());
            match (line.split_at_checked(2), line) {
                (Some(("F ", file)), _) => {
                    let (time, name) = file.split_once(' ').unwrap_or(("", file));
                    self.changed.extend(seconds(time).map(|time| (name.to_owned(), time)));
                    open.push((name.to_owned(), within));
                }
                (Some(("L ", numbered)), _) => {
                    let Some((file, scope)) = open.last_mut() else { continue };
                    let Some(line) = read_line(file, numbered, scope.clone()) else { continue };
                    match line.keyword.as_str() {
                        "match" if line.value.eq_ignore_ascii_case(ALL) => *scope = Some(ALL.to_owned()),
                        "match" => *scope = Some(line.value),
                        "include" => {}
                        _ => self.lines.push(line),
                    }
                }
                (_, "E") => {
                    open.pop();
                }
                (_, "C") if within.is_none() && self.before_ours.is_none() => {
                    self.before_ours = Some(self.lines.len());
                }
                _ => {}
            }
        }
    }

    fn read_units(&mut self, text: &str) {
        for unit in text.split("\n\n") {
            let field = |name: &str| {
                unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
            };
            match (field("Id"), field("ActiveState")) {
                ("ssh.service", "active") => self.read_at = microseconds(field("StateChangeTimestamp")),
                ("ssh.socket", "active") => self.read_socket(unit),
                _ => {}
            }
        }
    }

    /// Where systemd listens, in the words of `sshd -T`: what sshd's own configuration says of that does not count.
    fn read_socket(&mut self, unit: &str) {
        self.socket = true;
        // `Listen=[::]:22 (Stream)`; sockets of other kinds have no port.
        let listen = unit.lines().filter_map(|line| line.strip_prefix("Listen=")?.strip_suffix(" (Stream)"));
        let addresses: Vec<&str> =
            listen.filter(|address| address.contains(':') && !address.starts_with('/')).collect();
        let mut ports: Vec<String> =
            addresses.iter().filter_map(|address| Some(address.rsplit_once(':')?.1.to_owned())).collect();
        ports.dedup();
        self.effective.insert("port".into(), ports);
        self.effective.insert("listenaddress".into(), addresses.into_iter().map(str::to_owned).collect());
    }

    /// Where the option that sets a keyword (in lower case) stands, if sshd is started with one.
    pub fn option(&self, lower: &str) -> Option<&'static str> {
        let sets = |options: &str| {
            options.to_lowercase().contains(lower)
                || (lower == "port" && options.split_whitespace().any(|word| word == "-p"))
        };
        let places = [(&self.unit, "ExecStart of ssh.service"), (&self.options, "SSHD_OPTS in /etc/default/ssh")];
        places.into_iter().find_map(|(options, place)| sets(options).then_some(place))
    }

    /// Whether a line, given with its place among all, is read before the drop-in.
    pub fn is_before_ours(&self, at: usize, line: &Line) -> bool {
        let beside =
            line.file.rsplit_once('/').map(|(folder, _)| folder) == DROP_IN.rsplit_once('/').map(|(folder, _)| folder);
        self.before_ours.is_some_and(|before| at < before) || (beside && line.file.as_str() < DROP_IN)
    }

    /// The lines that set a keyword for everybody; those that count before others come first.
    pub fn for_everybody<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a Line> {
        let all = self.lines.iter().filter(move |line| line.is_for_all() && line.keyword == keyword);
        all.chain(self.global(keyword).map(|(_, line)| line))
    }

    /// The lines outside of `Match` that set a keyword, with their places in the order of all.
    pub fn global<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = (usize, &'a Line)> {
        self.lines.iter().enumerate().filter(move |(_, line)| line.within.is_none() && line.keyword == keyword)
    }
}

/// `12:  PermitRootLogin=no  # not here`.
fn read_line(file: &str, numbered: &str, within: Option<String>) -> Option<Line> {
    let (number, text) = numbered.split_once(':')?;
    let text = text.trim();
    let (keyword, value) = text.split_at(text.find([' ', '\t', '='])?);
    let value = value.trim_start_matches([' ', '\t', '=']);
    let value = value.split_once(" #").map_or(value, |(value, _)| value).trim_end();
    Some(Line {
        file: file.to_owned(),
        number: number.parse().ok()?,
        keyword: keyword.trim_matches('"').to_lowercase(),
        value: value.to_owned(),
        within,
    })
}

/// `1763655421.123456789`, in microseconds.
fn seconds(time: &str) -> Option<i64> {
    let (seconds, fraction) = time.split_once('.')?;
    seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction.get(..6)?.parse().ok()?)
}
