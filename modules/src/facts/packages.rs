//! Debian packages: what dpkg has installed, what apt could install, what a transaction would do.

use crate::debian_version::compare;
use engine::{Answer, Batch, Blind, Fact, Query};
use std::cmp::Ordering;

/// One installed, or once installed, package of one architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its name, without the architecture.
    pub name: String,
    /// Its architecture: `amd64`, `all`.
    pub architecture: String,
    /// What dpkg is told to do with it: `install`, `hold`, `deinstall`, `purge`, `unknown`.
    pub want: String,
    /// What it is: `installed`, `config-files`, `half-configured`… (dpkg(1), package states).
    pub status: String,
    /// Its version; empty where there is none.
    pub version: String,
}

impl Installed {
    /// Its files are there, configured or not.
    pub fn is_there(&self) -> bool {
        !["not-installed", "config-files"].contains(&self.status.as_str())
    }

    /// It works as far as dpkg knows.
    pub fn is_complete(&self) -> bool {
        ["installed", "triggers-awaited", "triggers-pending"].contains(&self.status.as_str())
    }
}

/// What dpkg knows of the package `$1`, one entry for each architecture; none where it knows nothing. All that
/// are asked for are read in one run.
pub static INSTALLED: Fact<Vec<Installed>> = Fact {
    query: Query::new(
        "packages",
        "command -v dpkg-query >/dev/null || return 127\n\
         dpkg-query -W -f='${Package}\\t${Architecture}\\t${db:Status-Want}\\t${db:Status-Status}\\t${Version}\\n' -- \"$@\"",
    )
    .inline()
    .batched(Batch::Split(by_package)),
    decode: |answer, _| {
        if answer.status == 127 {
            return Err(Blind::Unsupported("no dpkg here: packages are managed on Debian and its relatives".into()));
        }
        Ok(answer.ok()?.text()?.lines().filter_map(read_installed).collect())
    },
};

/// Gives each probe its lines; that others are not known (status 1) is no failure.
fn by_package(answer: &Answer, probes: &[&[String]]) -> Vec<Answer> {
    let part = |args: &&[String]| {
        if answer.status > 1 {
            return answer.clone();
        }
        let (name, architecture) = split_architecture(args.first().map_or("", String::as_str));
        let of_package = |line: &&[u8]| {
            let mut fields = line.split(|byte| *byte == b'\t');
            fields.next() == Some(name.as_bytes())
                && architecture.is_none_or(|wanted| fields.next() == Some(wanted.as_bytes()))
        };
        let out = answer.out.split_inclusive(|byte| *byte == b'\n').filter(of_package).collect::<Vec<_>>().concat();
        Answer { status: 0, out, err: Vec::new() }
    };
    probes.iter().map(part).collect()
}

/// The name and, in `libc6:i386`, the architecture.
pub fn split_architecture(package: &str) -> (&str, Option<&str>) {
    package.split_once(':').map_or((package, None), |(name, architecture)| (name, Some(architecture)))
}

fn read_installed(line: &str) -> Option<Installed> {
    let mut fields = line.split('\t').map(str::to_owned);
    Some(Installed {
        name: fields.next()?,
        architecture: fields.next()?,
        want: fields.next()?,
        status: fields.next()?,
        version: fields.next()?,
    })
}

/// What apt's lists offer of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// The version that `apt-get install` would take.
    pub candidate: Option<String>,
    /// All versions, the installed one included, in Debian's order, the latest first.
    pub versions: Vec<String>,
}

/// What apt's lists offer of the package `$1`. The options keep apt from writing its caches.
pub static OFFERED: Fact<Offered> = Fact {
    query: Query::new("apt policy", "apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy -- \"$@\"")
        .batched(Batch::Split(by_heading))
        .slow(),
    decode: |answer, _| Ok(read_offered(answer.ok()?.text()?)),
};

/// Gives each probe the paragraph under its name; a package that apt does not know has none.
fn by_heading(answer: &Answer, probes: &[&[String]]) -> Vec<Answer> {
    let text = String::from_utf8_lossy(&answer.out);
    let part = |args: &&[String]| {
        let wanted = args.first().map_or("", String::as_str);
        let mut own = false;
        let mut out = String::new();
        for line in text.lines() {
            if let Some(heading) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
                // The name of the host's own architecture is printed without it.
                own = heading == wanted
                    || (heading == split_architecture(wanted).0 && !text.contains(&format!("{wanted}:\n")));
            } else if own {
                out.push_str(line);
                out.push('\n');
            }
        }
        Answer { out: out.into_bytes(), ..answer.clone() }
    };
    probes.iter().map(part).collect()
}

fn read_offered(text: &str) -> Offered {
    let mut offered = Offered::default();
    let mut in_table = false;
    for line in text.lines() {
        if let Some(candidate) = line.strip_prefix("  Candidate: ") {
            offered.candidate = Some(candidate.to_owned()).filter(|candidate| candidate != "(none)");
        } else if line.starts_with("  Version table:") {
            in_table = true;
        } else if in_table && !line.starts_with("        ") {
            // ` *** 1.0-1 500` or `     1.0-1 500`; its sources are indented further.
            let version = line.trim_start_matches([' ', '*']).split(' ').next().unwrap_or_default();
            offered.versions.extend(Some(version.to_owned()).filter(|version| !version.is_empty()));
        }
    }
    offered.versions.sort_by(|left, right| compare(right, left));
    offered
}

/// How old apt's lists are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lists {
    /// Seconds since they were last refreshed; `None`: there are none.
    pub age: Option<i64>,
}

impl Lists {
    /// They are there and at most so many days old.
    pub fn within_days(self, days: i64) -> bool {
        self.age.is_some_and(|age| age <= days * 86_400)
    }
}

/// How old apt's lists are. A refresh that finds nothing new leaves the lists as they are and only touches the
/// directory it downloads to.
pub static LISTS: Fact<Lists> = Fact {
    query: Query::new(
        "apt lists",
        "for list in /var/lib/apt/lists/*_Packages*; do\n\
         \x20 [ -e \"$list\" ] || exit 0\n\
         \x20 break\n\
         done\n\
         stat -c %Y /var/lib/apt/lists /var/lib/apt/lists/partial /var/lib/apt/periodic/update-success-stamp 2>/dev/null\n\
         echo now\n\
         date -u +%s",
    ),
    decode: |answer, _| {
        let text = answer.ok()?.text()?;
        if text.is_empty() {
            return Ok(Lists { age: None });
        }
        let (times, now) = text.split_once("now\n").unwrap_or((text, ""));
        let newest = times.lines().filter_map(|time| time.parse::<i64>().ok()).max();
        match (newest, now.trim().parse::<i64>()) {
            (Some(newest), Ok(now)) => Ok(Lists { age: Some(now - newest) }),
            _ => Err(Blind::Garbled("the age of apt's lists".into())),
        }
    },
};

/// What a transaction of apt would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Simulation {
    /// This.
    Would(Vec<Step>),
    /// Nothing: apt's own words.
    Cannot(String),
}

/// One thing a transaction does to one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, with the architecture if that is not the host's own.
    pub package: String,
    /// The version before; `None`: it is not installed.
    pub from: Option<String>,
    /// The version after; `None`: it is removed.
    pub to: Option<String>,
}

impl Step {
    /// To an earlier version.
    pub fn is_downgrade(&self) -> bool {
        matches!((&self.from, &self.to), (Some(from), Some(to)) if compare(to, from) == Ordering::Less)
    }

    /// To a later version.
    pub fn is_upgrade(&self) -> bool {
        matches!((&self.from, &self.to), (Some(from), Some(to)) if compare(to, from) == Ordering::Greater)
    }
}

/// What `apt-get install ARGS` would do, options included. Takes no lock and writes no cache and no log.
pub static SIMULATION: Fact<Simulation> = Fact {
    query: Query::new(
        "apt simulation",
        "apt-get -s -q -y -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Dir::Log::Planner=/dev/null -o Debug::NoLocking=1 \
         -o APT::Get::Show-User-Simulation-Note=no install \"$@\"",
    )
    .slow(),
    decode: |answer, _| {
        if answer.status == 127 {
            return Err(answer.blind());
        }
        let out = String::from_utf8_lossy(&answer.out);
        if answer.status == 0 {
            return Ok(Simulation::Would(out.lines().filter_map(read_step).collect()));
        }
        let err = String::from_utf8_lossy(&answer.err);
        let unmet = out.lines().map(str::trim).filter(|line| {
            [" : Depends:", " : PreDepends:", " : Conflicts:", " : Breaks:"].iter().any(|word| line.contains(word))
        });
        let errors = err.lines().filter_map(|line| line.strip_prefix("E: "));
        let said: Vec<&str> = unmet.chain(errors).take(4).collect();
        Ok(Simulation::Cannot(if said.is_empty() { answer.blind().to_string() } else { said.join("; ") }))
    },
};

/// `Inst jq [1.6-1] (1.6-2 Debian:12/stable [amd64])`, `Remv curl [7.88]`, `Purg curl [7.88]`.
fn read_step(line: &str) -> Option<Step> {
    let (verb, rest) = line.split_once(' ')?;
    let (package, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let between = |open: char, close: [char; 2]| {
        rest.split_once(open).map(|(_, after)| after.split(close).next().unwrap_or("").to_owned())
    };
    let to = match verb {
        "Inst" => Some(between('(', [' ', ')'])?),
        "Remv" | "Purg" => None,
        _ => return None,
    };
    let from = rest.strip_prefix('[').and_then(|_| between('[', [']', ']']));
    Some(Step { package: package.to_owned(), from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: i32, out: &str, err: &str) -> Answer {
        Answer { status, out: out.into(), err: err.into() }
    }

    fn parts(split: fn(&Answer, &[&[String]]) -> Vec<Answer>, whole: &Answer, names: &[&str]) -> Vec<Answer> {
        let probes: Vec<Vec<String>> = names.iter().map(|name| vec![(*name).to_owned()]).collect();
        split(whole, &probes.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Debian 12 with a foreign architecture; `awk` is provided by others, `nosuch` is not known.
    const DPKG: &str = "awk\t\tunknown\tnot-installed\t\n\
        curl\tamd64\tinstall\tinstalled\t7.88.1-10+deb12u15\n\
        docker.io\tamd64\thold\tinstalled\t20.10.24+dfsg1-1+b3\n\
        libc6\tamd64\tinstall\tinstalled\t2.36-9+deb12u14\n\
        libc6\ti386\tinstall\thalf-configured\t2.36-9+deb12u14\n\
        nginx-common\tall\tdeinstall\tconfig-files\t1.22.1-9\n";

    #[test]
    fn every_package_gets_its_own_lines_of_one_run() {
        let whole = answer(1, DPKG, "dpkg-query: no packages found matching nosuch\n");
        let names = ["curl", "libc6", "libc6:i386", "nosuch", "awk", "nginx-common"];
        let read: Vec<Vec<Installed>> =
            parts(by_package, &whole, &names).iter().map(|part| (INSTALLED.decode)(part, &[]).unwrap()).collect();
        assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1, 0, 1, 1]);
        assert!(read[0][0].is_complete() && read[2][0].is_there() && !read[2][0].is_complete());
        assert!(!read[4][0].is_there() && !read[5][0].is_there());
        assert_eq!(read[5][0].version, "1.22.1-9");
    }

    #[test]
    fn a_host_without_dpkg_is_unsupported_and_a_broken_one_is_blind() {
        let none = parts(by_package, &answer(127, "", ""), &["curl"]);
        assert!(matches!((INSTALLED.decode)(&none[0], &[]), Err(Blind::Unsupported(_))));
        let broken =
            parts(by_package, &answer(2, "", "dpkg-query: error: parsing file '/var/lib/dpkg/status'\n"), &["curl"]);
        assert!(matches!((INSTALLED.decode)(&broken[0], &[]), Err(Blind::Failed(_))));
    }

    const POLICY: &str = "curl:\n  Installed: 7.88.1-10+deb12u15\n  Candidate: 7.88.1-10+deb12u15\n  Version table:\n \
        *** 7.88.1-10+deb12u15 500\n        500 http://deb.debian.org/debian bookworm/main amd64 Packages\n        \
        100 /var/lib/dpkg/status\n     7.88.1-10+deb12u5 500\n        500 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages\n\
        awk:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";

    #[test]
    fn candidates_and_versions_are_read_for_each_package() {
        let whole = answer(0, POLICY, "");
        let read: Vec<Offered> = parts(by_heading, &whole, &["curl", "awk", "nosuch", "curl:amd64"])
            .iter()
            .map(|part| (OFFERED.decode)(part, &[]).unwrap())
            .collect();
        assert_eq!(read[0].candidate.as_deref(), Some("7.88.1-10+deb12u15"));
        assert_eq!(read[0].versions, ["7.88.1-10+deb12u15", "7.88.1-10+deb12u5"]);
        assert_eq!((&read[1], &read[2]), (&Offered::default(), &Offered::default()));
        assert_eq!(read[3], read[0]);
    }

    #[test]
    fn the_newest_trace_of_a_refresh_counts() {
        let age = |out| (LISTS.decode)(&answer(0, out, ""), &[]).unwrap().age;
        assert_eq!(age("1000\n2000\nnow\n2600\n"), Some(600));
        assert_eq!(age(""), None);
        assert!(Lists { age: Some(86_400) }.within_days(1) && !Lists { age: Some(86_401) }.within_days(1));
        assert!(!Lists { age: None }.within_days(1));
    }

    #[test]
    fn a_simulation_is_read_step_by_step() {
        let out = "Reading package lists...\nThe following packages will be REMOVED:\n  curl\n\
            Remv curl [7.88.1-10+deb12u15]\n\
            Inst jq [1.6-2.1+deb12u1] (1.6-2.1+deb12u3 Debian-Security:12/oldstable-security [amd64]) []\n\
            Inst nginx-common (1.22.1-9 Debian:12.15/oldstable [all])\n\
            Conf jq (1.6-2.1+deb12u3 Debian-Security:12/oldstable-security [amd64])\n\
            Purg old:i386 [1.0]\n";
        let Simulation::Would(steps) = (SIMULATION.decode)(&answer(0, out, ""), &[]).unwrap() else { panic!("{out}") };
        let read: Vec<_> =
            steps.iter().map(|step| (step.package.as_str(), step.from.as_deref(), step.to.as_deref())).collect();
        assert_eq!(
            read,
            [
                ("curl", Some("7.88.1-10+deb12u15"), None),
                ("jq", Some("1.6-2.1+deb12u1"), Some("1.6-2.1+deb12u3")),
                ("nginx-common", None, Some("1.22.1-9")),
                ("old:i386", Some("1.0"), None),
            ]
        );
        assert!(steps[1].is_upgrade() && !steps[1].is_downgrade() && !steps[2].is_upgrade());
    }

    #[test]
    fn what_apt_cannot_do_is_said_in_its_own_words() {
        let out = "Some packages could not be installed.\nThe following packages have unmet dependencies:\n curl : Depends: libcurl4 (= 7.88.1-10+deb12u5) but 7.88.1-10+deb12u15 is to be installed\n";
        let simulated = (SIMULATION.decode)(
            &answer(100, out, "E: Unable to correct problems, you have held broken packages.\n"),
            &[],
        );
        assert_eq!(
            simulated,
            Ok(Simulation::Cannot(
                "curl : Depends: libcurl4 (= 7.88.1-10+deb12u5) but 7.88.1-10+deb12u15 is to be installed; \
                 Unable to correct problems, you have held broken packages."
                    .into()
            ))
        );
    }
}
