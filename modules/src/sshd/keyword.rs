//! The keywords of sshd_config(5), as Debian 12 and 13 have them.

/// How a keyword takes several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It takes one; the first line counts.
    One,
    /// Several in one line, with spaces between; the first line counts.
    Words,
    /// Several in one line, with commas between; the first line counts.
    Commas,
    /// Several in one line, and all lines count.
    AddedWords,
    /// One a line, and all lines count.
    AddedLines,
}

impl Form {
    /// All lines count, not only the first.
    pub fn adds_up(self) -> bool {
        matches!(self, Self::AddedWords | Self::AddedLines)
    }
}

/// Keywords that take several values; all others take one.
const SEVERAL: [(&str, Form); 29] = [
    ("AcceptEnv", Form::AddedWords),
    ("AllowGroups", Form::AddedWords),
    ("AllowUsers", Form::AddedWords),
    ("DenyGroups", Form::AddedWords),
    ("DenyUsers", Form::AddedWords),
    ("HostCertificate", Form::AddedLines),
    ("HostKey", Form::AddedLines),
    ("ListenAddress", Form::AddedLines),
    ("Port", Form::AddedLines),
    ("AuthenticationMethods", Form::Words),
    ("AuthorizedKeysFile", Form::Words),
    ("ChannelTimeout", Form::Words),
    ("IPQoS", Form::Words),
    ("LogVerbose", Form::Commas),
    ("PerSourcePenalties", Form::Words),
    ("PermitListen", Form::Words),
    ("PermitOpen", Form::Words),
    ("PubkeyAuthOptions", Form::Commas),
    ("RekeyLimit", Form::Words),
    ("SetEnv", Form::Words),
    ("CASignatureAlgorithms", Form::Commas),
    ("Ciphers", Form::Commas),
    ("GSSAPIKexAlgorithms", Form::Commas),
    ("HostKeyAlgorithms", Form::Commas),
    ("HostbasedAcceptedAlgorithms", Form::Commas),
    ("KexAlgorithms", Form::Commas),
    ("MACs", Form::Commas),
    ("PerSourcePenaltyExemptList", Form::Commas),
    ("PubkeyAcceptedAlgorithms", Form::Commas),
];

const SINGLE: [&str; 74] = [
    "AddressFamily",
    "AllowAgentForwarding",
    "AllowStreamLocalForwarding",
    "AllowTcpForwarding",
    "AuthorizedKeysCommand",
    "AuthorizedKeysCommandUser",
    "AuthorizedPrincipalsCommand",
    "AuthorizedPrincipalsCommandUser",
    "AuthorizedPrincipalsFile",
    "Banner",
    "ChrootDirectory",
    "ClientAliveCountMax",
    "ClientAliveInterval",
    "Compression",
    "DebianBanner",
    "DisableForwarding",
    "ExposeAuthInfo",
    "FingerprintHash",
    "ForceCommand",
    "GSSAPIAuthentication",
    "GSSAPICleanupCredentials",
    "GSSAPIKeyExchange",
    "GSSAPIStoreCredentialsOnRekey",
    "GSSAPIStrictAcceptorCheck",
    "GatewayPorts",
    "HostKeyAgent",
    "HostbasedAuthentication",
    "HostbasedUsesNameFromPacketOnly",
    "IgnoreRhosts",
    "IgnoreUserKnownHosts",
    "KbdInteractiveAuthentication",
    "KerberosAuthentication",
    "KerberosGetAFSToken",
    "KerberosOrLocalPasswd",
    "KerberosTicketCleanup",
    "LogLevel",
    "LoginGraceTime",
    "MaxAuthTries",
    "MaxSessions",
    "MaxStartups",
    "ModuliFile",
    "PAMServiceName",
    "PasswordAuthentication",
    "PerSourceMaxStartups",
    "PerSourceNetBlockSize",
    "PermitEmptyPasswords",
    "PermitRootLogin",
    "PermitTTY",
    "PermitTunnel",
    "PermitUserEnvironment",
    "PermitUserRC",
    "PidFile",
    "PrintLastLog",
    "PrintMotd",
    "PubkeyAuthentication",
    "RefuseConnection",
    "RequiredRSASize",
    "RevokedKeys",
    "SecurityKeyProvider",
    "SshdAuthPath",
    "SshdSessionPath",
    "StreamLocalBindMask",
    "StreamLocalBindUnlink",
    "StrictModes",
    "SyslogFacility",
    "TCPKeepAlive",
    "TrustedUserCAKeys",
    "UnusedConnectionTimeout",
    "UseDNS",
    "UsePAM",
    "VersionAddendum",
    "X11DisplayOffset",
    "X11Forwarding",
    "X11UseLocalhost",
];

/// What is known in other words: what to write, or why it cannot be written here.
const OTHERS: [(&str, &str); 9] = [
    ("include", "comply writes one file of its own, and includes nothing in it; declare the file under `files`"),
    ("match", "a Match block holds for some connections only; put it in a file of its own, under `files`"),
    ("subsystem", "Debian's sshd_config has one, and sshd takes no second; declare that file under `files`"),
    ("protocol", "sshd knows protocol 2 only, and does not take this keyword any more"),
    ("useprivilegeseparation", "sshd always does, and does not take this keyword any more"),
    ("challengeresponseauthentication", "it is called `KbdInteractiveAuthentication` now"),
    ("pubkeyacceptedkeytypes", "it is called `PubkeyAcceptedAlgorithms` now"),
    ("hostbasedacceptedkeytypes", "it is called `HostbasedAcceptedAlgorithms` now"),
    ("keepalive", "it is called `TCPKeepAlive` now"),
];

/// All keywords in the spelling of sshd_config(5), and how they take values.
pub fn all() -> impl Iterator<Item = (&'static str, Form)> {
    let single = SINGLE.iter().map(|name| (*name, Form::One));
    SEVERAL.iter().copied().chain(single).chain([("XAuthLocation", Form::One)])
}

/// Whether `sshd -T` tells of a keyword that sshd takes. Debian's own is missing there in Debian 12.
pub fn is_told(name: &str) -> bool {
    name != "DebianBanner"
}

/// A keyword, in any case.
pub fn find(name: &str) -> Option<(&'static str, Form)> {
    all().find(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// Why a name is none, or what to write in its place.
pub fn advice(name: &str) -> String {
    let lower = name.to_lowercase();
    if let Some((_, why)) = OTHERS.iter().find(|(other, _)| *other == lower) {
        return (*why).to_owned();
    }
    let near = all().map(|(known, _)| (strsim::damerau_levenshtein(&lower, &known.to_lowercase()), known)).min();
    match near.filter(|(distance, known)| *distance <= 1 + known.len() / 6) {
        Some((_, known)) => format!("did you mean `{known}`?"),
        None => "sshd_config(5) lists them".to_owned(),
    }
}
