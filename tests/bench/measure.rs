//! Numbers of a measurement, and the machine they hold for.

use std::fmt;
use std::fs;
use std::time::Duration;

/// Measured times, in the order of the rounds.
pub struct Series(Vec<Duration>);

impl Series {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the time of the next round.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = sorted(self.0.iter().map(|time| time.as_secs_f64() * 1000.0).collect());
        write!(f, "{:>6.0} ms ({:.0} … {:.0})", middle(&times), edge(times.first()), edge(times.last()))
    }
}

/// How two series compare, round by round: what slows a whole round down takes no part.
pub struct Ratios(Vec<f64>);

/// `a / b` of each round.
pub fn ratios(a: &Series, b: &Series) -> Ratios {
    Ratios(sorted(a.0.iter().zip(&b.0).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()).collect()))
}

impl Ratios {
    /// The one in the middle.
    pub fn median(&self) -> f64 {
        middle(&self.0)
    }
}

impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6.2}    ({:.2} … {:.2})", self.median(), edge(self.0.first()), edge(self.0.last()))
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn middle(sorted: &[f64]) -> f64 {
    edge(sorted.get(sorted.len() / 2))
}

fn edge(value: Option<&f64>) -> f64 {
    value.copied().unwrap_or(f64::NAN)
}

/// Processors and kernel.
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<_> = cpus.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let model = models.first().map_or("unknown processor", |model| model.trim_start_matches(['\t', ' ', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{} × {model}, Linux {}, load {load}", models.len().max(1), kernel.trim())
}
