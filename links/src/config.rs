//! What `~/.ssh/config` says of a host, as `ssh -G` prints it (ssh_config(5)). `ssh` itself resolves `Host`, `Match`,
//! `Include` and defaults; reading the file here would get some of that wrong.

use std::env;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use engine::link::{Ended, Step, Stream, Unreachable};

use crate::channel::pump;
use crate::process::Process;
use crate::target::SshTarget;

/// What `ssh -G` may print, in bytes.
const BOUND: usize = 256 * 1024;

/// The settings that matter here, every name and path complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// As the inventory writes it.
    pub(crate) alias: String,
    pub(crate) hostname: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    /// The name to look for among known hosts, if not `hostname` and `port`.
    pub(crate) host_key_alias: Option<String>,
    pub(crate) known_hosts: Vec<PathBuf>,
    /// In order; the inventory's own first.
    pub(crate) identities: Vec<PathBuf>,
    /// Keys of the agent that are none of `identities` are not tried.
    pub(crate) identities_only: bool,
    /// The agent's socket; `None`: there is no agent.
    pub(crate) agent: Option<PathBuf>,
    pub(crate) jump: Option<String>,
    /// A command of a shell that is the connection.
    pub(crate) proxy_command: Option<String>,
}

/// Refuses what could be taken for an option or for several words.
pub(crate) fn check(target: &SshTarget) -> Result<(), Unreachable> {
    let bad = |text: &str| {
        text.is_empty()
            || text.starts_with('-')
            || text.chars().any(|c| c.is_control() || c.is_whitespace() || "'\"`$\\;&<>|(){}".contains(c))
    };
    let named = [("address", Some(&target.address)), ("user", target.user.as_ref()), ("jump", target.jump.as_ref())];
    for (what, text) in named {
        if let Some(text) = text.filter(|text| bad(text)) {
            return Err(Unreachable { step: Step::Resolve, why: format!("{text:?} cannot be a host's {what}") });
        }
    }
    Ok(())
}

/// The options that say to `ssh` what the inventory says.
pub(crate) fn options(target: &SshTarget) -> Vec<String> {
    let mut options = Vec::new();
    let mut option = |name: &str, value: &str| options.extend([String::from("-o"), format!("{name}={value}")]);
    if let Some(port) = target.port {
        option("Port", &port.to_string());
    }
    if let Some(user) = &target.user {
        option("User", user);
    }
    if let Some(jump) = &target.jump {
        option("ProxyJump", jump);
    }
    if let Some(file) = &target.known_hosts {
        let file = as_value(&expand_home(file));
        option("UserKnownHostsFile", &file);
        option("GlobalKnownHostsFile", "/dev/null");
    }
    if let Some(file) = &target.identity {
        option("IdentityFile", &as_value(&expand_home(file)));
    }
    options
}

/// A path as a value of ssh_config: in quotation marks, percent signs doubled.
fn as_value(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('%', "%%"))
}

/// Asks `ssh -G`. Without the program `ssh` there is no configuration, and OpenSSH's defaults hold.
pub(crate) fn read(target: &SshTarget, deadline: Instant) -> Result<Config, Unreachable> {
    check(target)?;
    if says_nothing() {
        return Ok(complete(target, ""));
    }
    let unreachable = |why: String| Unreachable { step: Step::Resolve, why };
    let mut command = Command::new("ssh");
    command.arg("-G").args(options(target)).arg("--").arg(&target.address);
    let mut process = match Process::start(&mut command) {
        Ok(process) => process,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(complete(target, "")),
        Err(error) => return Err(unreachable(format!("ssh -G cannot be started: {error}"))),
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = pump(&mut process, &[], deadline, &mut |stream, bytes| {
        let kept = if stream == Stream::Out { &mut out } else { &mut err };
        kept.extend_from_slice(bytes);
        if kept.len() > BOUND { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(|broken| unreachable(format!("ssh -G, which reads your ssh configuration, gives {broken}")))?;
    if ended != Ended::Status(0) {
        let said = String::from_utf8_lossy(&err).trim().replace(['\r', '\n'], " ");
        return Err(unreachable(format!("your ssh configuration cannot be read: {said}")));
    }
    Ok(complete(target, &String::from_utf8_lossy(&out)))
}

/// Whether there is nothing that `ssh -G` could say beyond OpenSSH's defaults, so that it need not be started for every
/// host: no file of the user's, and in the system's nothing but what Debian ships there (ssh_config(5) in
/// openssh-client), which changes none of the settings read here.
fn says_nothing() -> bool {
    static NOTHING: OnceLock<bool> = OnceLock::new();
    *NOTHING.get_or_init(|| {
        let users = expand_home(Path::new("~/.ssh/config"));
        let systems = std::fs::read_to_string("/etc/ssh/ssh_config");
        !users.exists() && systems.is_ok_and(|text| is_plain(&text, Path::new("/etc/ssh/ssh_config.d")))
    })
}

/// Whether a system-wide configuration holds only keywords that do not matter here, and `included`, the one directory it
/// may include files of, has none.
fn is_plain(text: &str, included: &Path) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut includes = false;
    for line in lines {
        let (keyword, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match (keyword.to_ascii_lowercase().as_str(), value.trim()) {
            ("host", "*") | ("sendenv" | "hashknownhosts" | "gssapiauthentication", _) => {}
            ("include", pattern) if Path::new(pattern) == included.join("*.conf") => includes = true,
            _ => return false,
        }
    }
    let mut files = std::fs::read_dir(included).into_iter().flatten();
    !includes || files.all(|file| file.is_ok_and(|file| file.path().extension() != Some("conf".as_ref())))
}

/// Settings out of what `ssh -G` printed; the inventory's own come first.
fn complete(target: &SshTarget, printed: &str) -> Config {
    let all = |key: &str| -> Vec<String> {
        printed
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| String::from(value.trim()))
            .collect()
    };
    let one = |key: &str| all(key).into_iter().next().filter(|value| !value.is_empty() && value != "none");
    let mut config = Config {
        alias: target.address.clone(),
        hostname: one("hostname").unwrap_or_else(|| target.address.clone()),
        port: target.port.or_else(|| one("port")?.parse().ok()).unwrap_or(22),
        user: target.user.clone().or_else(|| one("user")).unwrap_or_else(login),
        host_key_alias: one("hostkeyalias"),
        identities_only: one("identitiesonly").is_some_and(|value| value == "yes"),
        jump: target.jump.clone().or_else(|| one("proxyjump")),
        ..Config::default()
    };
    if config.jump.is_none() {
        config.proxy_command = one("proxycommand").map(|command| config.expand(&command, false));
    }
    config.agent = match one("identityagent").as_deref() {
        _ if all("identityagent").iter().any(|value| value == "none") => None,
        None | Some("SSH_AUTH_SOCK") => env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from),
        Some(path) => match path.strip_prefix('$') {
            Some(name) if !name.starts_with('{') => env::var_os(name).map(PathBuf::from),
            _ => Some(config.path(path)),
        },
    };
    config.known_hosts = match &target.known_hosts {
        Some(file) => vec![expand_home(file)],
        None => ["userknownhostsfile", "globalknownhostsfile"]
            .iter()
            .flat_map(|key| match one(key) {
                Some(files) => words(&files),
                None if printed.is_empty() => default_known_hosts(key),
                None => Vec::new(),
            })
            .map(|file| config.path(&file))
            .collect(),
    };
    let listed = match all("identityfile") {
        files if files.is_empty() && printed.is_empty() => default_identities(),
        files => files,
    };
    let own = target.identity.iter().map(|file| expand_home(file));
    let listed: Vec<PathBuf> = listed.iter().filter(|file| *file != "none").map(|file| config.path(file)).collect();
    for file in own.chain(listed) {
        if !config.identities.contains(&file) {
            config.identities.push(file);
        }
    }
    config
}

impl Config {
    /// The name among known hosts: `host`, or `[host]:port`.
    pub(crate) fn known_name(&self) -> String {
        match &self.host_key_alias {
            Some(alias) => alias.clone(),
            None if self.port == 22 => self.hostname.clone(),
            None => format!("[{}]:{}", self.hostname, self.port),
        }
    }

    fn path(&self, text: &str) -> PathBuf {
        expand_home(Path::new(&self.expand(text, true)))
    }

    /// Fills in `%h` and its like (TOKENS of ssh_config(5)), and `${NAME}` if `variables`.
    fn expand(&self, text: &str, variables: bool) -> String {
        let mut done = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['%', '$']) {
            let (before, from) = rest.split_at(at);
            done.push_str(before);
            let mut chars = from.chars();
            let (sign, token) = (chars.next(), chars.next());
            rest = chars.as_str();
            match (sign, token) {
                (Some('$'), Some('{')) if variables && rest.contains('}') => {
                    let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
                    done.push_str(&env::var(name).unwrap_or_default());
                    rest = after;
                }
                (Some('%'), Some('%')) => done.push('%'),
                (Some('%'), Some('h')) => done.push_str(&self.hostname),
                (Some('%'), Some('k')) => done.push_str(self.host_key_alias.as_deref().unwrap_or(&self.alias)),
                (Some('%'), Some('n')) => done.push_str(&self.alias),
                (Some('%'), Some('p')) => done.push_str(&self.port.to_string()),
                (Some('%'), Some('r')) => done.push_str(&self.user),
                (Some('%'), Some('u')) => done.push_str(&login()),
                (Some('%'), Some('d')) => done.push_str(&home().to_string_lossy()),
                (Some('%'), Some('i')) => done.push_str(&rustix::process::getuid().as_raw().to_string()),
                _ => {
                    done.extend(sign);
                    rest = from.get(1..).unwrap_or_default();
                }
            }
        }
        done.push_str(rest);
        done
    }
}

/// Words, which may stand in quotation marks.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(String::from(word));
        rest = after.trim_start();
    }
    words
}

fn default_identities() -> Vec<String> {
    ["id_rsa", "id_ecdsa", "id_ed25519"].iter().map(|name| format!("~/.ssh/{name}")).collect()
}

fn default_known_hosts(key: &str) -> Vec<String> {
    let folder = if key.starts_with("user") { "~/.ssh/" } else { "/etc/ssh/ssh_" };
    ["known_hosts", "known_hosts2"].iter().map(|name| format!("{folder}{name}")).collect()
}

/// `~/` is the home of whoever runs this.
pub(crate) fn expand_home(path: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => home().join(rest),
        Err(_) => path.to_path_buf(),
    }
}

fn home() -> PathBuf {
    env::home_dir().unwrap_or_else(|| PathBuf::from("/"))
}

/// The account of whoever runs this.
fn login() -> String {
    ["USER", "LOGNAME"].iter().find_map(|name| env::var(name).ok()).unwrap_or_else(|| String::from("root"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "host web\nuser deploy\nhostname web.example.org\nport 2222\nidentitiesonly yes\n\
        hostkeyalias web-alias\nidentityfile ~/.ssh/%r@%h\nidentityfile /keys/%n-%p%%\n\
        userknownhostsfile /etc/a \"/with space/b\"\nglobalknownhostsfile /etc/ssh/ssh_known_hosts\n\
        stricthostkeychecking false\nproxyjump ops@bastion:2200\n";

    fn web() -> SshTarget {
        SshTarget { address: String::from("web"), ..SshTarget::default() }
    }

    #[test]
    fn what_ssh_says_is_taken_with_its_tokens_filled_in() {
        let config = complete(&web(), PRINTED);
        assert_eq!((config.hostname.as_str(), config.port, config.user.as_str()), ("web.example.org", 2222, "deploy"));
        assert_eq!(config.known_name(), "web-alias");
        assert_eq!(config.identities, [home().join(".ssh/deploy@web.example.org"), PathBuf::from("/keys/web-2222%")]);
        assert!(config.identities_only);
        assert_eq!(config.known_hosts, ["/etc/a", "/with space/b", "/etc/ssh/ssh_known_hosts"].map(PathBuf::from));
        assert_eq!(config.jump.as_deref(), Some("ops@bastion:2200"));
    }

    #[test]
    fn the_inventory_comes_before_ssh_config() {
        let target = SshTarget {
            port: Some(22),
            user: Some(String::from("ops")),
            identity: Some(PathBuf::from("~/key")),
            known_hosts: Some(PathBuf::from("/known")),
            jump: Some(String::from("other")),
            ..web()
        };
        let config = complete(&target, PRINTED);
        assert_eq!((config.port, config.user.as_str(), config.jump.as_deref()), (22, "ops", Some("other")));
        assert_eq!(config.identities[0], home().join("key"));
        assert_eq!(config.known_hosts, [PathBuf::from("/known")]);
    }

    #[test]
    fn without_the_program_ssh_openssh_s_defaults_hold() {
        let config = complete(&web(), "");
        assert_eq!((config.hostname.as_str(), config.port), ("web", 22));
        assert_eq!(config.known_name(), "web");
        assert!(config.identities.contains(&home().join(".ssh/id_ed25519")));
        assert!(config.known_hosts.contains(&home().join(".ssh/known_hosts")));
        assert_eq!((config.jump, config.proxy_command), (None, None));
    }

    #[test]
    fn a_command_in_place_of_the_connection_is_completed() {
        let printed = "hostname 10.0.0.1\nport 22\nuser ops\nproxycommand nc -x ${PROXY} %h %p # %%\n";
        let config = complete(&web(), printed);
        assert_eq!(config.proxy_command.as_deref(), Some("nc -x ${PROXY} 10.0.0.1 22 # %"));
        assert_eq!(complete(&web(), "proxycommand none\n").proxy_command, None);
        assert_eq!(complete(&web(), "identityagent none\n").agent, None);
        assert_eq!(
            complete(&web(), "identityagent /run/agent-%r\nuser x\n").agent,
            Some(PathBuf::from("/run/agent-x"))
        );
    }
}
