//! What every kind has to pass on real hosts: its life is lived once, and judged by five tests.

use crate::life::{Case, Life};
use crate::{
    kinds_access as access, kinds_apt as apt, kinds_compose as compose, kinds_fail2ban as fail2ban,
    kinds_files as files, kinds_packages as packages, kinds_services as services, kinds_sshd as sshd,
    kinds_users as users,
};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// A module for each judgement with a test for each kind, and not the other way round: tests are run in the order of their
/// names, and those of one life would wait for one another.
macro_rules! lives {
    ($($kind:ident: $case:expr,)*) => {
        const CASES: &[Case] = &[$($case),*];

        mod lived {
            use super::*;
            $(#[allow(non_upper_case_globals, reason = "named after the kind")] pub static $kind: OnceLock<Life> = OnceLock::new();)*
        }

        lives!(@judge audit_changes_nothing_on_the_host, |_, life| life.assert_audit_changed_nothing(), $($kind: $case,)*);
        lives!(@judge audit_finds_exactly_what_differs, |case, life| case.assert_found(life), $($kind: $case,)*);
        lives!(@judge enforce_puts_right_what_differs_and_keeps_the_rest, |case, life| case.assert_repaired(life), $($kind: $case,)*);
        lives!(@judge enforce_again_runs_nothing_in_one_round_trip, |_, life| life.assert_nothing_run_again(), $($kind: $case,)*);
        lives!(@judge audit_is_compliant_in_the_end, |_, life| life.assert_compliant_in_the_end(), $($kind: $case,)*);
    };
    (@judge $judgement:ident, $judge:expr, $($kind:ident: $case:expr,)*) => {
        mod $judgement {
            use super::*;
            $(
                #[test]
                fn $kind() {
                    let judge: fn(&Case, &Life) = $judge;
                    judge(&$case, lived::$kind.get_or_init(|| $case.live()));
                }
            )*
        }
    };
}

lives! {
    apt_repository: apt::APT_REPOSITORY,
    compose: compose::COMPOSE,
    cron: access::CRON,
    directory: files::DIRECTORY,
    fail2ban: fail2ban::FAIL2BAN,
    file: files::FILE,
    group: users::GROUP,
    link: files::LINK,
    package: packages::PACKAGE,
    service: services::SERVICE,
    ssh_key: users::SSH_KEY,
    sshd: sshd::SSHD,
    sudoers: access::SUDOERS,
    user: users::USER,
}

#[test]
fn every_kind_has_a_life_on_real_hosts() {
    let tried: BTreeSet<_> = CASES.iter().map(|case| case.kind).collect();
    // What is never put right has no life; its test is in `kinds_access`.
    let kinds: BTreeSet<_> =
        modules::MODULES.iter().filter(|module| module.audit_only().is_none()).map(|module| module.kind()).collect();
    assert_eq!(kinds, tried, "a new kind needs a `Case`, and a line in `lives!`");
}
