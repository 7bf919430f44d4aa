//! What a host is: the facts that conditions may speak of.

use crate::query::{Answer, Blind, Fact, Query};

/// Who a host says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `ID` of os-release(5): `debian`.
    pub os_id: String,
    /// `VERSION_ID` of os-release(5): `12`. Empty on a rolling release.
    pub os_version: String,
    /// `VERSION_CODENAME` of os-release(5): `bookworm`.
    pub os_codename: String,
    /// `uname -m`: `x86_64`.
    pub arch: String,
    /// `uname -n`.
    pub hostname: String,
    /// What systemd-detect-virt(1) says: `kvm`, `docker`, `none`; empty where it cannot be told.
    pub virtualization: String,
}

/// The identity of the host.
pub static IDENTITY: Fact<Identity> = Fact {
    query: Query::new(
        "identity",
        r#"cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null
printf '\n//arch=%s\n//hostname=%s\n//virtualization=%s\n' "$(uname -m)" "$(uname -n)" "$(systemd-detect-virt 2>/dev/null)""#,
    )
    .limit(64 << 10),
    decode,
};

fn decode(answer: &Answer, _: &[String]) -> Result<Identity, Blind> {
    let text = String::from_utf8_lossy(&answer.out);
    let mut identity = Identity::default();
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let value = value.trim().trim_matches(['"', '\'']).to_owned();
        match key {
            "ID" => identity.os_id = value,
            "VERSION_ID" => identity.os_version = value,
            "VERSION_CODENAME" => identity.os_codename = value,
            "//arch" => identity.arch = value,
            "//hostname" => identity.hostname = value,
            "//virtualization" => identity.virtualization = value,
            _ => {}
        }
    }
    Ok(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_read_from_os_release_and_uname() {
        let out = b"PRETTY_NAME=\"Debian\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n\n//arch=x86_64\n//hostname=pad\n//virtualization=kvm\n";
        let answer = Answer { out: out.to_vec(), ..Answer::default() };
        let identity = decode(&answer, &[]).unwrap();
        assert_eq!((identity.os_id.as_str(), identity.os_version.as_str()), ("debian", "12"));
        assert_eq!((identity.arch.as_str(), identity.virtualization.as_str()), ("x86_64", "kvm"));
    }
}
