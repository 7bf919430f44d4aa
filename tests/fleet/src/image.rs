//! The images that `tests/fleet/up` builds.

/// What a host is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
    /// Debian 12 with a Docker engine of its own, and Compose v1.
    BookwormDocker,
    /// Debian 13 with a Docker engine of its own, and Compose v2.
    TrixieDocker,
    /// Busybox and nothing else: no systemd, no sshd, no dpkg.
    Busybox,
}

impl Image {
    /// Every image there is.
    pub const ALL: [Image; 5] =
        [Image::Bookworm, Image::Trixie, Image::BookwormDocker, Image::TrixieDocker, Image::Busybox];

    /// The image's name in the engine.
    pub fn name(self) -> &'static str {
        match self {
            Image::Bookworm => "comply-test:bookworm",
            Image::Trixie => "comply-test:trixie",
            Image::BookwormDocker => "comply-test:bookworm-docker",
            Image::TrixieDocker => "comply-test:trixie-docker",
            Image::Busybox => "comply-test:busybox",
        }
    }
}
