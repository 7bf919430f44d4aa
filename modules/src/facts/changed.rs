//! When a package last changed.

use engine::{Answer, Batch, Blind, Fact, Query};

/// When the package `$1` last changed: the ctime of dpkg's list of its files, which is written anew with each version, in
/// microseconds since 1970-01-01 UTC. `None`: there is none. One program for all that are asked for.
pub static CHANGED: Fact<Option<i64>> = Fact {
    query: Query::new(
        "changed",
        "count=$#\n\
         while [ \"$count\" -gt 0 ]; do\n\
         \x20 name=$1\n\
         \x20 shift\n\
         \x20 count=$((count - 1))\n\
         \x20 for file in \"/var/lib/dpkg/info/$name.list\" \"/var/lib/dpkg/info/$name\":*.list; do\n\
         \x20   if [ -e \"$file\" ]; then set -- \"$@\" \"$file\"; fi\n\
         \x20 done\n\
         done\n\
         [ $# -eq 0 ] || stat -c '%.9Z %n' -- \"$@\"",
    )
    .batched(Batch::Split(by_name)),
    decode: |answer, _| {
        let text = answer.ok()?.text()?;
        let mut latest = None;
        for line in text.lines() {
            latest =
                latest.max(Some(microseconds(line).ok_or_else(|| Blind::Garbled(format!("stat printed {line:?}")))?));
        }
        Ok(latest)
    },
};

/// Gives each probe the lines of its package. A list that went meanwhile (status 1) is no failure.
fn by_name(answer: &Answer, probes: &[&[String]]) -> Vec<Answer> {
    let out = String::from_utf8_lossy(&answer.out);
    let part = |args: &&[String]| {
        if answer.status > 1 {
            return answer.clone();
        }
        let wanted = args.first().map_or("", String::as_str);
        let own = |line: &&str| line.split_once(' ').is_some_and(|(_, name)| is_of(name, wanted));
        Answer { out: out.lines().filter(own).collect::<Vec<_>>().join("\n").into(), ..Answer::default() }
    };
    probes.iter().map(part).collect()
}

fn is_of(file: &str, package: &str) -> bool {
    let of_package =
        file.strip_prefix("/var/lib/dpkg/info/").and_then(|name| name.strip_suffix(".list")?.strip_prefix(package));
    of_package.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// `1700000000.123456789 /var/lib/dpkg/info/cron.list`.
fn microseconds(line: &str) -> Option<i64> {
    let (seconds, fraction) = line.split_once(' ')?.0.split_once('.')?;
    let micros: i64 = fraction.get(..6)?.parse().ok()?;
    seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(answer: &Answer, wanted: &str) -> Result<Option<i64>, Blind> {
        let args = [wanted.to_owned()];
        let parts = by_name(answer, &[&args]);
        (CHANGED.decode)(&parts[0], &args)
    }

    #[test]
    fn each_package_gets_its_latest_time() {
        let answer = Answer {
            out: b"1763655000.000000000 /var/lib/dpkg/info/cron.list\n1763655001.000000000 /var/lib/dpkg/info/libc6:amd64.list\n\
                1763655002.500000000 /var/lib/dpkg/info/libc6:i386.list\n"
                .to_vec(),
            ..Answer::default()
        };
        assert_eq!(changed(&answer, "cron"), Ok(Some(1_763_655_000_000_000)));
        assert_eq!(changed(&answer, "libc6"), Ok(Some(1_763_655_002_500_000)));
        assert_eq!(changed(&answer, "libc"), Ok(None));
    }

    #[test]
    fn a_host_without_stat_is_blind() {
        let answer = Answer { status: 127, err: b"sh: 1: stat: not found\n".to_vec(), ..Answer::default() };
        assert!(matches!(changed(&answer, "cron"), Err(Blind::NoTool(_))));
    }
}
