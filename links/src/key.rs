//! Keys as SSH writes them (RFC 4253 section 6.6): their type, their fingerprint, and what a key file tells without
//! being opened.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// A key file that is larger is none, in bytes.
const BOUND: u64 = 256 * 1024;

/// The type that a public key says it is, such as `ssh-ed25519`.
pub(crate) fn kind(key: &[u8]) -> String {
    field(key).map_or_else(String::new, |(kind, _)| String::from_utf8_lossy(kind).into_owned())
}

/// The fingerprint as `ssh-keygen -l` prints it.
pub(crate) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

/// A string with its length before it, and what follows.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// What a private key's file tells without its passphrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFile {
    /// The public key, from the file itself or from the `.pub` beside it.
    pub(crate) public: Option<Vec<u8>>,
    /// A passphrase is needed.
    pub(crate) encrypted: bool,
    /// The certificate beside it.
    pub(crate) certificate: Option<PathBuf>,
}

impl KeyFile {
    /// Looks at a key file.
    ///
    /// # Errors
    /// In plain words, why it cannot be used; `None` if it is not there.
    pub(crate) fn read(path: &Path) -> Result<Self, Option<String>> {
        let found = fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => None,
            _ => Some(format!("cannot be read: {error}")),
        })?;
        if !found.is_file() || found.len() > BOUND {
            return Err(Some(String::from("is not a key file")));
        }
        let text = fs::read(path).map_err(|error| Some(format!("cannot be read: {error}")))?;
        let text = String::from_utf8_lossy(&text);
        let beside = |suffix: &str| {
            let mut name = path.as_os_str().to_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        let (public, encrypted) = match openssh(&text) {
            Some(found) => found,
            None if text.contains("PRIVATE KEY-----") => {
                (None, text.contains("Proc-Type: 4,ENCRYPTED") || text.contains("BEGIN ENCRYPTED PRIVATE KEY"))
            }
            None => return Err(Some(String::from("is not a private key"))),
        };
        let public = public.or_else(|| public_line(&fs::read_to_string(beside(".pub")).ok()?));
        let certificate = Some(beside("-cert.pub")).filter(|path| path.is_file());
        Ok(Self { public, encrypted, certificate })
    }

    /// A key on a FIDO token.
    pub(crate) fn is_token(&self) -> bool {
        self.public.as_ref().is_some_and(|key| is_token(&kind(key)))
    }
}

/// Key types that need a FIDO token to sign.
pub(crate) fn is_token(kind: &str) -> bool {
    kind.starts_with("sk-")
}

/// The key of one line as in `.pub` files.
fn public_line(line: &str) -> Option<Vec<u8>> {
    STANDARD.decode(line.split_whitespace().nth(1)?).ok()
}

/// OpenSSH's own format (PROTOCOL.key): the public key, which is never encrypted, and whether the private one is.
fn openssh(text: &str) -> Option<(Option<Vec<u8>>, bool)> {
    let body = text.split_once("-----BEGIN OPENSSH PRIVATE KEY-----")?.1;
    let body: String = body.split_once("-----END")?.0.split_whitespace().collect();
    let bytes = STANDARD.decode(body).ok()?;
    let rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let (cipher, rest) = field(rest)?;
    let (_derivation, rest) = field(rest)?;
    let (_options, rest) = field(rest)?;
    let (_count, rest) = rest.split_at_checked(4)?;
    let (public, _) = field(rest)?;
    Some((Some(public.to_vec()), cipher != b"none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
    }

    fn key_file(kind: &str, cipher: &str) -> String {
        let public = [string(kind.as_bytes()), string(&[7; 32])].concat();
        let fields =
            [string(cipher.as_bytes()), string(b"none"), string(b""), vec![0, 0, 0, 1], string(&public)].concat();
        let body = STANDARD.encode([b"openssh-key-v1\0".as_slice(), &fields].concat());
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
    }

    fn read(text: &str) -> Result<KeyFile, Option<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id");
        fs::write(&path, text).unwrap();
        KeyFile::read(&path)
    }

    #[test]
    fn a_key_on_a_token_is_recognised() {
        assert!(read(&key_file("sk-ssh-ed25519@openssh.com", "none")).unwrap().is_token());
        assert!(!read(&key_file("ssh-ed25519", "none")).unwrap().is_token());
    }

    #[test]
    fn a_locked_key_tells_its_public_part() {
        let file = read(&key_file("ssh-ed25519", "aes256-ctr")).unwrap();
        assert!(file.encrypted);
        assert_eq!(kind(&file.public.unwrap()), "ssh-ed25519");
        assert!(read("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n").unwrap().encrypted);
        assert!(read("-----BEGIN ENCRYPTED PRIVATE KEY-----\n").unwrap().encrypted);
        assert!(!read("-----BEGIN RSA PRIVATE KEY-----\n").unwrap().encrypted);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(read("hello"), Err(Some(String::from("is not a private key"))));
        assert_eq!(KeyFile::read(Path::new("/nonexistent/key")), Err(None));
        assert_eq!(KeyFile::read(Path::new("/dev/zero")), Err(Some(String::from("is not a key file"))));
    }

    #[test]
    fn the_fingerprint_is_the_one_of_ssh_keygen() {
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA x";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.pub");
        fs::write(&path, line).unwrap();
        let said = std::process::Command::new("ssh-keygen").arg("-lf").arg(&path).output().unwrap().stdout;
        let said = String::from_utf8(said).unwrap();
        assert_eq!(said.split(' ').nth(1), Some(fingerprint(&public_line(line).unwrap()).as_str()));
    }
}
