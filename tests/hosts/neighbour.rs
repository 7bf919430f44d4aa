//! A healthy host beside a sick one: whatever the sick one does, this one is judged as if it were alone.

use crate::comply::{Repo, Run};
use fleet::{Host, Image};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What holds on a healthy host: a file, an account, a package.
pub const POLICY: &str = "
    files: {/etc/comply-sound: {content: \"sound\\n\"}}
    users: {root: {uid: 0}}
    packages: [bash]
";

/// A host on which [`POLICY`] holds, for as long as somebody looks at it; tests only look at it.
pub fn healthy() -> Arc<Host> {
    static SHARED: Mutex<Weak<Host>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(host) = shared.upgrade() {
        return host;
    }
    let host = Arc::new(Host::start(Image::Bookworm));
    host.write("/etc/comply-sound", "sound\n");
    *shared = Arc::downgrade(&host);
    host
}

/// A repository with that host in it, and [`POLICY`].
pub fn beside(healthy: &Host) -> Repo {
    Repo::new().host_as("healthy", healthy, "").policy(POLICY)
}

/// It complies, and did not wait for the sick one.
#[track_caller]
pub fn assert_unaffected(run: &Run) {
    let host = run.host("healthy");
    let verdicts: Vec<_> = host.resources.iter().map(|resource| resource.verdict.to_string()).collect();
    assert_eq!(verdicts, ["compliant", "compliant", "compliant"], "{}", run.shown());
    assert!(host.duration < 10.0, "the healthy host took {} s{}", host.duration, run.shown());
}
