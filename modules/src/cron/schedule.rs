//! When a job of cron runs, crontab(5).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Five fields (minute, hour, day of the month, month, day of the week) with one space between, or a word such as
/// `@daily`: what Debian's cron takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Schedule(String);

/// In place of five fields.
const WORDS: [&str; 8] = ["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// One of the five: its name, least and greatest number, and the names of its numbers from the least on.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day of the month", least: 1, most: 31, names: &[] },
    Field { name: "month", least: 1, most: 12, names: &MONTHS },
    // Sunday is 0 and 7.
    Field { name: "day of the week", least: 0, most: 7, names: &DAYS },
];

impl Schedule {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        match words.as_slice() {
            [word] if word.starts_with('@') => match WORDS.iter().find(|known| **known == word.to_ascii_lowercase()) {
                Some(known) => Ok(Self((*known).to_owned())),
                None => Err(format!("`{word}` is none of {}", WORDS.join(", "))),
            },
            fields if fields.len() == FIELDS.len() => {
                for (text, field) in fields.iter().zip(&FIELDS) {
                    field.check(text)?;
                }
                let days = (fields[2], fields[3]);
                match never(days.0, days.1) {
                    Some(why) => Err(why),
                    None => Ok(Self(fields.join(" "))),
                }
            }
            fields => Err(format!(
                "has {} fields and needs five (minute, hour, day of the month, month, day of the week), such as `0 5 * * mon`, or a word such as `@daily`",
                fields.len()
            )),
        }
    }

    /// As crontab(5) has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field {
    fn check(&self, text: &str) -> Result<(), String> {
        text.split(',').try_for_each(|part| self.part(part)).map_err(|why| format!("`{text}` as {}: {why}", self.name))
    }

    /// `*`, `7`, `1-5`, each but the number with `/2` or not.
    fn part(&self, part: &str) -> Result<(), String> {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (self.least, self.most),
            (_, Some((from, to))) => (self.number(from)?, self.number(to)?),
            (single, None) if step.is_none() => return self.number(single).map(|_| ()),
            (single, None) => return Err(format!("a step needs a range: `{single}-{}/…` or `*/…`", self.most)),
        };
        if from > to {
            return Err(format!("`{range}` ends before it begins"));
        }
        match step.map(str::parse::<u32>) {
            None => Ok(()),
            Some(Ok(step)) if step > 0 && step <= to - from => Ok(()),
            Some(Ok(0)) => Err("a step is at least 1".into()),
            Some(Ok(step)) => Err(format!("a step of {step} never comes around from {from} to {to}")),
            Some(Err(_)) => Err(format!("`{part}` has a step that is no number")),
        }
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        if let Some(index) = named {
            return Ok(self.least + u32::try_from(index).unwrap_or_default());
        }
        let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| digits && (self.least..=self.most).contains(number)).ok_or_else(|| {
            let names = match self.names {
                [] => String::new(),
                [first, .., last] => format!(" or {first} to {last}"),
                [_] => String::new(),
            };
            format!("`{text}` is not from {} to {}{names}", self.least, self.most)
        })
    }
}

/// A day that no month of the schedule has: `31` in `feb`.
fn never(day: &str, month: &str) -> Option<String> {
    let day: u32 = day.parse().ok()?;
    let [_, _, _, months, _] = &FIELDS;
    let number = months.number(month).ok()?;
    let longest = match number {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (day > longest).then(|| format!("there is no day {day} in month {month}"))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Schedule;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("five fields such as `0 5 * * mon`, or a word such as `@daily`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Schedule, E> {
                Schedule::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Schedule {
    fn schema_name() -> Cow<'static, str> {
        "Schedule".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Five fields such as 0 5 * * mon, or a word such as @daily", "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_debians_cron_takes_is_taken() {
        for text in [
            "* * * * *",
            "*/5 * * * *",
            "0 5 * * mon",
            "0,30 8-18/2 1-7 JAN,mar-may 1-5",
            "0 0 29 2 *",
            "59 23 31 12 7",
            "@reboot",
            "@daily",
            "00 07 * * 0",
            "0 0 1 * fri-sat",
        ] {
            assert_eq!(Schedule::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(Schedule::parse(" 0\t5  * * * ").unwrap().as_str(), "0 5 * * *");
        assert_eq!(Schedule::parse("@Daily").unwrap().as_str(), "@daily");
    }

    #[test]
    fn what_would_never_run_or_not_as_meant_is_refused_with_a_reason() {
        let why = |text: &str| Schedule::parse(text).unwrap_err();
        insta::assert_snapshot!(
            ["5 * * *", "", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "*/90 * * * *",
             "5/10 * * * *", "30-10 * * * *", "* * * * mon-", "* * * jän *", "1,,2 * * * *", "0 0 31 feb *", "0 0 31 4 *",
             "@fortnightly", "*/x * * * *", "+1 * * * *", "* * * * fri-mon", "a * * * *"]
                .map(why).join("\n"), @r#"
        has 4 fields and needs five (minute, hour, day of the month, month, day of the week), such as `0 5 * * mon`, or a word such as `@daily`
        has 0 fields and needs five (minute, hour, day of the month, month, day of the week), such as `0 5 * * mon`, or a word such as `@daily`
        `60` as minute: `60` is not from 0 to 59
        `24` as hour: `24` is not from 0 to 23
        `0` as day of the month: `0` is not from 1 to 31
        `13` as month: `13` is not from 1 to 12 or jan to dec
        `8` as day of the week: `8` is not from 0 to 7 or sun to sat
        `*/0` as minute: a step is at least 1
        `*/90` as minute: a step of 90 never comes around from 0 to 59
        `5/10` as minute: a step needs a range: `5-59/…` or `*/…`
        `30-10` as minute: `30-10` ends before it begins
        `mon-` as day of the week: `` is not from 0 to 7 or sun to sat
        `jän` as month: `jän` is not from 1 to 12 or jan to dec
        `1,,2` as minute: `` is not from 0 to 59
        there is no day 31 in month feb
        there is no day 31 in month 4
        `@fortnightly` is none of @reboot, @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly
        `*/x` as minute: `*/x` has a step that is no number
        `+1` as minute: `+1` is not from 0 to 59
        `fri-mon` as day of the week: `fri-mon` ends before it begins
        `a` as minute: `a` is not from 0 to 59
        "#);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_crash(text in "\\PC{0,40}") {
            _ = Schedule::parse(&text);
        }

        #[test]
        fn what_it_takes_it_takes_again(text in "[0-9*/,a-z -]{1,14} [0-9*/,-]{1,8} [0-9*/,-]{1,8} [a-z0-9*]{1,3} [a-z0-9*]{1,3}") {
            if let Ok(schedule) = Schedule::parse(&text) {
                prop_assert_eq!(Schedule::parse(schedule.as_str()), Ok(schedule.clone()));
            }
        }
    }
}
