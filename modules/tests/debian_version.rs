//! Our order of versions against dpkg's own.
#![allow(clippy::disallowed_types, clippy::expect_used, reason = "the test asks the real dpkg")]

use modules::debian_version::compare;
use proptest::prelude::*;
use std::cmp::Ordering;
use std::process::Command;

fn dpkg(left: &str, right: &str) -> Ordering {
    let is = |relation: &str| {
        let status = Command::new("dpkg").args(["--compare-versions", "--", left, relation, right]).status();
        status.expect("dpkg runs").success()
    };
    if is("lt") {
        Ordering::Less
    } else if is("eq") {
        Ordering::Equal
    } else {
        Ordering::Greater
    }
}

fn version() -> impl Strategy<Value = String> {
    "([0-2]:)?[0-9]{1,2}[.+~a-b0-2]{0,4}(-[0-2a~+.]{1,3})?"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_order_is_that_of_dpkg(left in version(), right in version()) {
        prop_assert_eq!(compare(&left, &right), dpkg(&left, &right));
    }
}
