//! The numbers of accounts and groups that no local file has, from whatever other source the host asks.

use engine::{Answer, Blind, Fact, Query};

/// The number of the account `$1`; `None`: no source knows it.
pub static UID: Fact<Option<u32>> =
    Fact { query: Query::new("number of account", "getent passwd \"$1\"").slow(), decode: third_field };

/// The number of the group `$1`; `None`: no source knows it.
pub static GID: Fact<Option<u32>> =
    Fact { query: Query::new("number of group", "getent group \"$1\"").slow(), decode: third_field };

/// In passwd(5) and group(5) alike.
fn third_field(answer: &Answer, _: &[String]) -> Result<Option<u32>, Blind> {
    match answer.status {
        // 2: not known. 127: no getent, so no such sources either.
        2 | 127 => return Ok(None),
        0 => {}
        _ => return Err(answer.blind()),
    }
    let line = String::from_utf8_lossy(&answer.out);
    let number = line.lines().next().and_then(|line| line.split(':').nth(2)).and_then(|number| number.parse().ok());
    number.map(Some).ok_or_else(|| Blind::Garbled(format!("getent answered `{}`", line.trim_end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: i32, out: &str) -> Answer {
        Answer { status, out: out.into(), err: Vec::new() }
    }

    #[test]
    fn a_number_is_read_and_an_unknown_name_is_no_error() {
        assert_eq!(third_field(&answer(0, "zoe:*:90000:90000::/home/zoe:/bin/sh\n"), &[]), Ok(Some(90000)));
        assert_eq!(third_field(&answer(2, ""), &[]), Ok(None));
        assert_eq!(third_field(&answer(124, ""), &[]), Err(Blind::TimedOut));
        assert!(matches!(third_field(&answer(0, "zoe\n"), &[]), Err(Blind::Garbled(_))));
    }
}
