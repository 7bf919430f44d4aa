//! A line of an authorized_keys file: options, key, comment (sshd(8), AUTHORIZED_KEYS FILE FORMAT).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;

/// A public key that opens an account, with what it may do there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// As written, without the commas between them.
    options: Vec<String>,
    algorithm: String,
    base64: String,
    comment: String,
    fingerprint: String,
}

/// What sshd(8) of OpenSSH 10 knows. It takes no key from a line with another one.
const OPTIONS: &[&str] = &[
    "agent-forwarding",
    "cert-authority",
    "command",
    "environment",
    "expiry-time",
    "from",
    "no-agent-forwarding",
    "no-port-forwarding",
    "no-pty",
    "no-touch-required",
    "no-user-rc",
    "no-x11-forwarding",
    "permitlisten",
    "permitopen",
    "port-forwarding",
    "principals",
    "pty",
    "restrict",
    "touch-required",
    "tunnel",
    "user-rc",
    "verify-required",
    "x11-forwarding",
];

impl PublicKey {
    /// Reads a line of a host's file as sshd does. `None`: it is no key.
    pub fn read(line: &str) -> Option<Self> {
        let line = line.trim_matches([' ', '\t', '\r', '\n']);
        if line.starts_with('#') {
            return None;
        }
        Self::without_options(line).or_else(|| {
            let end = end_of_options(line)?;
            let key = Self::without_options(line.get(end..)?)?;
            Some(Self { options: split_options(&line[..end]), ..key })
        })
    }

    /// Reads a line of a policy, more strictly: one that sshd would not take is an error, a sentence.
    ///
    /// # Errors
    /// What is wrong with it, without quoting what may be secret.
    pub fn parse(line: &str) -> Result<Self, String> {
        if line.contains("PRIVATE KEY") {
            return Err(
                "this is a private key: take it out of the repository and replace it, it is no longer secret".into()
            );
        }
        if line.trim().contains(['\n', '\0']) {
            return Err("a key is one line".into());
        }
        let key = Self::read(line)
            .ok_or_else(|| "not a public key; copy the line from a file like ~/.ssh/id_ed25519.pub".to_owned())?;
        let plain = format!("{} {}", key.algorithm, key.base64);
        if let Err(why) = ssh_key::PublicKey::from_openssh(&plain) {
            return Err(format!("not a public key: {why}; copy the line from a file like ~/.ssh/id_ed25519.pub"));
        }
        for option in &key.options {
            let name = option.split_once('=').map_or(option.as_str(), |(name, _)| name);
            if !OPTIONS.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(format!("sshd knows no option `{name}`, and would not take the key"));
            }
        }
        Ok(key)
    }

    fn without_options(text: &str) -> Option<Self> {
        let text = text.trim_start_matches([' ', '\t']);
        let (algorithm, rest) = text.split_once([' ', '\t'])?;
        let rest = rest.trim_start_matches([' ', '\t']);
        let (base64, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let blob = STANDARD.decode(base64).or_else(|_| STANDARD_NO_PAD.decode(base64)).ok()?;
        // The key itself says of which type it is, as its first string.
        let length = usize::try_from(u32::from_be_bytes(blob.get(..4)?.try_into().ok()?)).ok()?;
        if blob.get(4..length.checked_add(4)?)? != algorithm.as_bytes() {
            return None;
        }
        Some(Self {
            options: Vec::new(),
            algorithm: algorithm.into(),
            fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&blob))),
            base64: STANDARD.encode(blob),
            comment: comment.trim().into(),
        })
    }

    /// `SHA256:…`, as ssh-keygen(1) prints it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether both open an account in the same way. Comments do not count, nor does the order of options with
    /// different names or the case of those names.
    pub fn same_rights(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.rights() == other.rights()
    }

    /// Whether this opens the account wherever and for whatever `other` does: of the options, only some narrow that.
    pub fn opens_like(&self, other: &Self) -> bool {
        const NARROW: &[&str] = &["cert-authority", "command", "expiry-time", "from", "principals", "verify-required"];
        let narrow = |key: &Self| -> Vec<(String, Option<String>)> {
            let rights = key.rights().into_iter().filter(|(name, _)| NARROW.contains(&name.as_str()));
            rights.map(|(name, value)| (name, value.map(str::to_owned))).collect()
        };
        self.fingerprint == other.fingerprint && (narrow(self).is_empty() || narrow(self) == narrow(other))
    }

    fn rights(&self) -> Vec<(String, Option<&str>)> {
        let mut options: Vec<_> = self
            .options
            .iter()
            .map(|option| match option.split_once('=') {
                Some((name, value)) => (name.to_ascii_lowercase(), Some(value)),
                None => (option.to_ascii_lowercase(), None),
            })
            .collect();
        options.sort_by(|one, other| one.0.cmp(&other.0));
        options
    }

    /// For a reader: the fingerprint and the comment, and the options if there are any.
    pub fn label(&self) -> String {
        let mut label = self.fingerprint.clone();
        if !self.comment.is_empty() {
            label.push(' ');
            label.extend(self.comment.chars().take(80));
        }
        if !self.options.is_empty() {
            label.push_str(" with ");
            label.push_str(&self.options.join(","));
        }
        label
    }
}

/// The line itself, in one form.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.options.is_empty() {
            write!(f, "{} ", self.options.join(","))?;
        }
        write!(f, "{} {}", self.algorithm, self.base64)?;
        if !self.comment.is_empty() {
            write!(f, " {}", self.comment)?;
        }
        Ok(())
    }
}

/// Where the options of a line end: at the first blank outside of quotes. `None`: a quote is not closed, or
/// nothing comes after them.
fn end_of_options(line: &str) -> Option<usize> {
    let mut quoted = false;
    let mut bytes = line.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if line[at + 1..].starts_with('"') => _ = bytes.next(),
            b'"' => quoted = !quoted,
            b' ' | b'\t' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Cuts options apart at commas outside of quotes.
fn split_options(text: &str) -> Vec<String> {
    let (mut options, mut start, mut quoted) = (Vec::new(), 0, false);
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if text[at + 1..].starts_with('"') => _ = bytes.next(),
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                options.push(text[start..at].to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    options.push(text[start..].to_owned());
    options
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for PublicKey {
    fn schema_name() -> Cow<'static, str> {
        "PublicKey".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "lines of authorized_keys", "description": "A line as in authorized_keys: options, type, key, comment", "type": "string" })
    }
}

/// A key known by its fingerprint alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// `SHA256:…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads `SHA256:…`, or takes the fingerprint of a line with a key.
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(hash) = text.trim().strip_prefix("SHA256:") else {
            return match PublicKey::read(text) {
                Some(key) => Ok(Self(key.fingerprint)),
                None => {
                    Err("neither a public key nor a fingerprint; `ssh-keygen -lf FILE` prints one: SHA256:…".into())
                }
            };
        };
        let hash = hash.trim_end_matches('=');
        match STANDARD_NO_PAD.decode(hash) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(format!("SHA256:{hash}"))),
            _ => Err("not a whole SHA256 fingerprint: 43 letters and digits come after `SHA256:`".into()),
        }
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Fingerprint {
    fn schema_name() -> Cow<'static, str> {
        "Fingerprint".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "lines or fingerprints", "description": "A key, or its fingerprint: SHA256:…", "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFWKUStty8yLnKX5GuNTmV76JVAqZoMJwUpaXB8eV5N5";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHPaHehMi//trJIe6OpzbCYbTAzdxfQwgI/vOdlm8L9H";
    const FINGERPRINT: &str = "SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y";

    fn options(line: &str) -> Vec<String> {
        PublicKey::read(line).unwrap().options
    }

    #[test]
    fn a_key_is_read_with_the_fingerprint_that_ssh_keygen_prints() {
        let key = PublicKey::parse(&format!("  {KEY}\t alice at her desk \r\n")).unwrap();
        assert_eq!((key.fingerprint(), key.comment.as_str()), (FINGERPRINT, "alice at her desk"));
        assert_eq!(key.to_string(), format!("{KEY} alice at her desk"));
        assert_eq!(key.label(), format!("{FINGERPRINT} alice at her desk"));
    }

    #[test]
    fn options_are_cut_as_sshd_cuts_them() {
        assert_eq!(
            options(&format!(r#"command="echo \"a, b\"",no-pty {KEY}"#)),
            [r#"command="echo \"a, b\"""#, "no-pty"]
        );
        assert_eq!(options(&format!("from=\"192.0.2.1,*.example.org\"\t{KEY}")), [r#"from="192.0.2.1,*.example.org""#]);
        assert_eq!(options(&format!(r#"command="ssh-rsa AAAA" {KEY} me"#)), [r#"command="ssh-rsa AAAA""#]);
        assert_eq!(PublicKey::read(&format!(r#"command="not closed {KEY}"#)), None);
    }

    #[test]
    fn comments_and_the_order_of_options_do_not_count_but_options_do() {
        let same = |one: &str, other: &str| PublicKey::read(one).unwrap().same_rights(&PublicKey::read(other).unwrap());
        assert!(same(&format!("{KEY} a"), &format!("{KEY} b")));
        assert!(same(&format!("restrict,PTY {KEY}"), &format!("pty,restrict {KEY}")));
        assert!(!same(&format!("restrict {KEY}"), KEY));
        assert!(!same(&format!("from=\"A\" {KEY}"), &format!("from=\"a\" {KEY}")));
        assert!(!same(KEY, OTHER));
    }

    #[test]
    fn what_sshd_would_not_take_is_an_error_with_a_way_out() {
        let error = |line: &str| PublicKey::parse(line).unwrap_err();
        assert!(error("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza").starts_with("this is a private key"));
        assert_eq!(error(&format!("{KEY}\n{OTHER}")), "a key is one line");
        assert_eq!(error(&format!("no-ptty {KEY}")), "sshd knows no option `no-ptty`, and would not take the key");
        assert!(error("hello").starts_with("not a public key; copy the line"));
        // The type before the key is not the one in it.
        assert!(error(&KEY.replace("ssh-ed25519 ", "ssh-rsa ")).starts_with("not a public key"));
        assert!(error("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==").starts_with("not a public key"));
    }

    #[test]
    fn a_fingerprint_is_written_or_taken_from_a_key() {
        assert_eq!(Fingerprint::parse(FINGERPRINT).unwrap().as_str(), FINGERPRINT);
        assert_eq!(Fingerprint::parse(KEY).unwrap().as_str(), FINGERPRINT);
        assert!(Fingerprint::parse(&FINGERPRINT[..30]).unwrap_err().starts_with("not a whole SHA256 fingerprint"));
        assert!(Fingerprint::parse("MD5:aa:bb").unwrap_err().starts_with("neither a public key nor a fingerprint"));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_crash(line in "\\PC{0,200}") {
            _ = PublicKey::read(&line);
            _ = PublicKey::read(&format!("{line} {KEY} {line}"));
            _ = Fingerprint::parse(&line);
        }

        #[test]
        fn what_is_written_reads_back_as_the_same(
            names in proptest::collection::vec(("[a-z-]{1,12}", proptest::option::of("[ -!#-\\[\\]-~]{0,20}")), 0..5),
            comment in "[!-~][ -~]{0,30}",
        ) {
            let options: Vec<_> = names
                .into_iter()
                .map(|(name, value)| value.map_or(name.clone(), |value| format!("{name}=\"{value}\"")))
                .collect();
            let space = if options.is_empty() { "" } else { " " };
            let key = PublicKey::read(&format!("{}{space}{KEY} {comment}", options.join(","))).unwrap();
            prop_assert_eq!(&key.options, &options);
            prop_assert_eq!(key.comment.as_str(), comment.trim());
            prop_assert_eq!(PublicKey::read(&key.to_string()), Some(key));
        }
    }
}
