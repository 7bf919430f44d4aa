//! systemd units, as systemd itself describes them.

use crate::date::Date;
use engine::{Answer, Batch, Blind, Fact, Query};
use std::collections::BTreeMap;

/// One unit; the words are systemd's own (org.freedesktop.systemd1(5)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its name, with the suffix; not the alias that was asked for.
    pub id: String,
    /// `loaded`, `not-found`, `masked`, `bad-setting`, `error`.
    pub load: String,
    /// `active`, `inactive`, `failed`, `activating`, `deactivating`, `reloading`…
    pub active: String,
    /// More precisely: `running`, `exited`, `auto-restart`…
    pub sub: String,
    /// `enabled`, `disabled`, `static`, `generated`, `masked`…; empty where there is no unit file.
    pub file_state: String,
    /// How it ended: `success`, `exit-code`, `oom-kill`…
    pub result: String,
    /// Its unit file has changed since systemd read it.
    pub needs_reload: bool,
    /// Another unit, such as a target, starts it.
    pub is_wanted: bool,
    /// When it last became active, in microseconds since 1970-01-01 UTC.
    pub active_since: Option<i64>,
}

/// The status of the query where systemd does not run.
const NO_SYSTEMD: i32 = 69;

/// The unit `$1`. All that are asked for are described in one run, in the order of the arguments.
pub static UNIT: Fact<Unit> = Fact {
    query: Query::new(
        "units",
        "[ -d /run/systemd/system ] || return 69\n\
         systemctl show --no-pager --timestamp=us+utc -p Id,LoadState,ActiveState,SubState,UnitFileState,Result \
         -p NeedDaemonReload,WantedBy,RequiredBy,ActiveEnterTimestamp -- \"$@\"",
    )
    .inline()
    .batched(Batch::Split(by_paragraph)),
    decode: |answer, _| {
        if answer.status == NO_SYSTEMD {
            return Err(Blind::Unsupported("no systemd here: services are managed with systemd only".into()));
        }
        read_unit(answer.ok()?.text()?)
    },
};

/// One paragraph for each unit. With another number of them nobody knows which is whose.
fn by_paragraph(answer: &Answer, probes: &[&[String]]) -> Vec<Answer> {
    let text = String::from_utf8_lossy(&answer.out);
    let paragraphs: Vec<&str> = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).collect();
    let right = paragraphs.len() == probes.len();
    let part =
        |index: usize| paragraphs.get(index).filter(|_| right).map_or_else(Vec::new, |text| text.as_bytes().to_vec());
    (0..probes.len()).map(|index| Answer { out: part(index), ..answer.clone() }).collect()
}

fn read_unit(text: &str) -> Result<Unit, Blind> {
    let fields: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    let since = field("ActiveEnterTimestamp");
    let unit = Unit {
        id: field("Id").into(),
        load: field("LoadState").into(),
        active: field("ActiveState").into(),
        sub: field("SubState").into(),
        file_state: field("UnitFileState").into(),
        result: field("Result").into(),
        needs_reload: field("NeedDaemonReload") == "yes",
        is_wanted: !field("WantedBy").is_empty() || !field("RequiredBy").is_empty(),
        active_since: microseconds(since),
    };
    if unit.id.is_empty() || unit.load.is_empty() || unit.active.is_empty() {
        return Err(Blind::Garbled("systemctl show did not describe the unit".into()));
    }
    Ok(unit)
}

/// `Fri 2026-11-20 16:27:01.123456 UTC`.
pub(super) fn microseconds(timestamp: &str) -> Option<i64> {
    let mut words = timestamp.split(' ').skip(1);
    let days = Date::parse(words.next()?)?.days();
    let (time, fraction) = words.next()?.split_once('.')?;
    let mut clock = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    let fraction: i64 = if fraction.len() == 6 { fraction.parse().ok()? } else { return None };
    Some((days * 86_400 + hours * 3600 + minutes * 60 + seconds) * 1_000_000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Debian 12, systemd 252: seven units in as many states.
    const CAPTURE: &str = include_str!("../../tests/captures/units-debian12.txt");

    fn parts(names: usize, text: &str) -> Vec<Answer> {
        let probes = vec![vec![String::new()]; names];
        let answer = Answer { status: 0, out: text.into(), err: Vec::new() };
        by_paragraph(&answer, &probes.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn units_are_read_in_the_order_of_the_arguments() {
        for capture in [CAPTURE, include_str!("../../tests/captures/units-debian13.txt")] {
            let units: Vec<Unit> = parts(7, capture).iter().map(|part| (UNIT.decode)(part, &[]).unwrap()).collect();
            let ids: Vec<_> = units.iter().map(|unit| unit.id.split('.').next().unwrap()).collect();
            assert_eq!(ids, ["cron", "crash", "nosuch", "ssh", "stale", "systemd-journald", "systemd-tmpfiles-clean"]);
            assert!(units[0].active_since.is_some() && units[0].is_wanted && units[3].active_since.is_none());
            assert!(units[4].needs_reload && !units[4].is_wanted && units[6].load == "masked");
        }
    }

    #[test]
    fn an_answer_with_another_number_of_units_is_garbled() {
        let all = parts(2, "Id=a.service\nLoadState=loaded\nActiveState=active\n");
        assert!(all.iter().all(|part| matches!((UNIT.decode)(part, &[]), Err(Blind::Garbled(_)))));
    }

    #[test]
    fn a_host_without_systemd_is_unsupported() {
        let answer = Answer { status: 69, ..Answer::default() };
        assert!(matches!((UNIT.decode)(&answer, &[]), Err(Blind::Unsupported(_))));
        let dead = Answer { status: 1, err: b"Failed to connect to bus: Host is down\n".to_vec(), ..Answer::default() };
        assert_eq!((UNIT.decode)(&dead, &[]), Err(Blind::Failed("Failed to connect to bus: Host is down".into())));
    }

    #[test]
    fn timestamps_are_microseconds_since_1970() {
        assert_eq!(microseconds("Thu 1970-01-01 00:00:01.000002 UTC"), Some(1_000_002));
        assert_eq!(
            microseconds("Thu 2026-12-31 01:02:03.123456 UTC"),
            Some((20_818 * 86_400 + 3723) * 1_000_000 + 123_456)
        );
        for text in ["", "n/a", "Thu 2026-12-31 01:02:03 UTC", "Thu 2026-12-31", "@1"] {
            assert_eq!(microseconds(text), None, "{text}");
        }
    }
}
