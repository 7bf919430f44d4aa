//! Where the hosts of a run come together: shown as they are done, reported in the order of the inventory.

use crate::interrupt;
use crate::output::Outputs;
use crate::progress::Progress;
use crate::run::Ended;
use crate::site::{Rows, Site, lost};
use crate::terminal;
use reports::report::seconds;
use reports::{Exit, Host, Report, Run, Status, text};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The hosts of one run, as far as they are done.
pub struct Desk {
    outputs: Outputs,
    progress: Arc<Progress>,
    begun: Instant,
    places: Vec<Place>,
    name_width: usize,
}

struct Place {
    name: String,
    rows: Arc<Rows>,
    host: Option<Host>,
}

impl Desk {
    /// A place for each of `sites`.
    pub fn new(outputs: Outputs, progress: Arc<Progress>, sites: &[Site]) -> Self {
        let name_width = text::name_width(sites.iter().map(|site| site.name.as_str()), outputs.style());
        let places =
            sites.iter().map(|site| Place { name: site.name.clone(), rows: Arc::clone(&site.rows), host: None });
        Self { name_width, places: places.collect(), outputs, progress, begun: Instant::now() }
    }

    /// The column in which what is said of a host begins.
    pub fn name_width(&self) -> usize {
        self.name_width
    }

    /// Takes in what became of the host at `index`.
    pub fn take(&mut self, index: usize, ended: Ended<Host>) {
        let Some(place) = self.places.get_mut(index) else { return };
        let host = match ended {
            Ended::Well(host) => host,
            Ended::Panicked(words) => {
                lost(&place.name, &place.rows, Status::Error { why: words }, self.begun.elapsed())
            }
            Ended::Interrupted => lost(&place.name, &place.rows, Status::Interrupted, self.begun.elapsed()),
        };
        self.progress.done(&host.name);
        if self.outputs.streams() {
            let text = text::host(&host, self.name_width, self.outputs.style());
            // If this fails, so will the ending, which tells of it.
            let _ = self.progress.aside(|| terminal::print(&text));
        }
        place.host = Some(host);
    }

    /// Reports the run.
    pub fn close(self, mut run: Run) -> Exit {
        self.progress.end();
        run.interrupted = interrupt::happened();
        run.duration = seconds(self.begun.elapsed());
        let hosts = self.places.into_iter().map(|place| {
            place.host.unwrap_or_else(|| lost(&place.name, &place.rows, Status::Interrupted, Duration::ZERO))
        });
        let mut report = Report::new(run, hosts.collect());
        let streamed = self.outputs.streams();
        self.outputs.write(&mut report, streamed);
        if report.run.interrupted {
            terminal::restore();
        }
        report.exit()
    }
}
