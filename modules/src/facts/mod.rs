//! What the kinds ask of a host: queries with their decoders.

pub mod accounts;
pub mod authorized_keys;
pub mod changed;
pub mod clock;
pub mod compose;
pub mod fail2ban;
pub mod hard_links;
pub mod key_files;
pub mod key_paths;
pub mod numbers;
pub mod packages;
pub mod sshd;
pub mod units;
