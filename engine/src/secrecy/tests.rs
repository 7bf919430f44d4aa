#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

fn secrecy(secret: &str) -> Secrecy {
    let secrecy = Secrecy::new("‹mark:");
    secrecy.learn(secret);
    secrecy
}

#[test]
fn a_secret_is_concealed_in_every_form() {
    let secret = "it's \"h&nter2\"";
    let secrecy = secrecy(secret);
    for form in [
        secret,
        r#"it'\''s "h&nter2""#,
        r#"it's \"h&nter2\""#,
        "it%27s%20%22h%26nter2%22",
        &STANDARD.encode(secret).replace('=', ""),
    ] {
        let shown = secrecy.conceal(&format!("error near <{form}>!")).into_owned();
        assert!(!shown.contains("nter2") && shown.contains("[secret]"), "{form}: {shown}");
    }
    assert_eq!(secrecy.conceal("nothing of it"), "nothing of it");
}

#[test]
fn base64_of_a_text_around_a_secret_conceals_it_too() {
    let secrecy = secrecy("correct horse battery");
    for user in ["a", "ab", "abc", "abcd"] {
        let shown = secrecy.conceal(&STANDARD.encode(format!("{user}:correct horse battery:x"))).into_owned();
        assert!(shown.contains("[secret]") && shown.len() < 24, "{shown}");
    }
}

#[test]
fn each_line_of_a_long_secret_is_a_secret() {
    let secrecy = secrecy("-----BEGIN KEY-----\nAAAABBBBCCCC\n}\n-----END KEY-----\n");
    assert_eq!(secrecy.conceal("line 2: AAAABBBBCCCC, line 3: }"), "line 2: [secret], line 3: }");
}

#[test]
fn what_is_left_of_a_secret_that_was_cut_off_is_concealed() {
    let secrecy = secrecy("correct horse battery");
    assert_eq!(secrecy.conceal("bad line: correct ho…"), "bad line: [secret]");
    assert_eq!(secrecy.conceal("rse battery is wrong"), "[secret] is wrong");
    assert_eq!(secrecy.conceal("a horse"), "a horse");
}

#[test]
fn a_secret_of_three_characters_does_not_make_every_text_unreadable() {
    assert_eq!(secrecy("abc").conceal("abc"), "abc");
}

#[test]
fn nothing_of_it_shows_in_debug() {
    assert_eq!(format!("{:?}", secrecy("hunter2")), "Secrecy");
}

#[test]
fn what_was_not_fetched_is_recognised() {
    assert!(secrecy("hunter2").is_unfilled("a‹mark:00›".as_bytes()));
    assert!(!secrecy("hunter2").is_unfilled(b"a"));
    assert!(!Secrecy::default().is_unfilled(b"a"));
}

#[test]
fn a_field_with_a_secret_is_told_by_line_numbers_only() {
    let held = Held { any: true, missing: Vec::new() };
    let diff = "@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5 hunter2\n+five\n 6\n-7\n-8\n@@ -20 +20,2 @@\n 20\n+x\n";
    let changes = vec![
        Change::text("content", diff),
        Change::value("password", "hunter2", "hunter3").in_step(1),
        Change::missing("env", "A=hunter2"),
        Change::extra("env", "B=hunter2"),
        Change::value("mode", "0644", "0600"),
    ];
    let veiled = held.veil(&["content", "password", "env"], changes.clone());
    assert_eq!(
        veiled,
        [
            Change::hidden("content", "secret; lines 5, 7-8, 21"),
            Change::hidden("password", "secret").in_step(1),
            Change::hidden("env", "secret"),
            Change::value("mode", "0644", "0600"),
        ]
    );
    let missing = Held { any: true, missing: vec![("content", "no secret `x`".to_owned())] };
    assert_eq!(missing.veil(&["content", "password", "env"], changes), [Change::value("mode", "0644", "0600")]);
}

#[test]
fn a_new_first_line_has_a_number() {
    assert_eq!(lines("@@ -0,0 +1 @@\n+x\n"), "line 1");
}

proptest! {
    #[test]
    fn no_secret_survives_in_any_surroundings(secret in "[!-~é ]{4,20}", before in ".{0,20}", after in ".{0,20}") {
        let text = format!("{before}{secret}{after}");
        prop_assert!(!secrecy(&secret).conceal(&text).contains(&secret) || IN_PLACE.contains(&secret));
    }

    #[test]
    fn any_text_can_be_concealed(secret in any::<String>(), text in any::<String>()) {
        let _ = secrecy(&secret).conceal(&text);
        let _ = lines(&text);
    }
}
