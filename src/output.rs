//! Where reports go: standard output, and files that are there whole or not at all.

use crate::cli::{Destination, Format};
use crate::terminal;
use reports::{Report, Style, json, junit, text};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// All reports of one run.
pub struct Outputs {
    stdout: Option<Format>,
    files: Vec<Sink>,
    style: Style,
}

/// One report file, opened before the run begins.
struct Sink {
    format: Format,
    path: PathBuf,
    place: Place,
}

enum Place {
    /// A new file beside the old one, which takes its name in the end.
    Beside(NamedTempFile),
    /// Something that is not a regular file, such as a pipe: written as it is.
    Itself(fs::File),
}

impl Outputs {
    /// Opens what `destinations` name, so that a report that cannot be written is known before any host is reached.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn open(destinations: &[Destination], style: Style) -> Result<Self, String> {
        let mut outputs = Self { stdout: None, files: Vec::new(), style };
        for Destination { format, file } in destinations {
            match file {
                None if outputs.stdout.is_some() => {
                    return Err("two reports to standard output: write all but one as --format FORMAT=FILE".to_owned());
                }
                None => outputs.stdout = Some(*format),
                Some(path) => {
                    let sink = Sink::open(*format, path).map_err(|error| cannot_write(path, &error))?;
                    if outputs.files.iter().any(|other| other.path == sink.path) {
                        return Err(format!("two reports to {}: give each a file of its own", terminal::path(path)));
                    }
                    outputs.files.push(sink);
                }
            }
        }
        outputs.stdout.get_or_insert(Format::Text);
        Ok(outputs)
    }

    /// Hosts may be printed as they are done: a person watches.
    pub fn streams(&self) -> bool {
        self.stdout == Some(Format::Text) && terminal::is_stdout()
    }

    /// How text looks on standard output.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// Writes every report. What cannot be written becomes part of those that follow: files first, then
    /// standard output, of which `streamed` has told the hosts already.
    pub fn write(self, report: &mut Report, streamed: bool) {
        for sink in self.files {
            let path = sink.path.clone();
            let written = rendered(report, sink.format, &plain(&self.style)).and_then(|text| sink.write(&text));
            if let Err(error) = written {
                let error = cannot_write(&path, &error);
                eprintln_safe(&error);
                report.fail(error);
            }
        }
        let text = match self.stdout {
            Some(format @ (Format::Json | Format::Junit)) => rendered(report, format, &self.style),
            _ if streamed => Ok(text::ending(report, &self.style)),
            _ => rendered(report, Format::Text, &self.style),
        };
        if let Err(error) = text.and_then(|text| terminal::print(&text)) {
            let error = format!("cannot write the report to standard output: {error}");
            eprintln_safe(&error);
            report.fail(error);
        }
    }
}

fn rendered(report: &Report, format: Format, style: &Style) -> io::Result<String> {
    match format {
        Format::Text => Ok(text::render(report, style)),
        Format::Json => json::render(report).map_err(io::Error::other),
        Format::Junit => junit::render(report),
    }
}

/// As a file wants it: colours are for terminals.
fn plain(style: &Style) -> Style {
    Style { color: false, width: Style::default().width, ..*style }
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write the report {}: {error}", terminal::path(path))
}

fn eprintln_safe(error: &str) {
    let _ = writeln!(io::stderr(), "comply: {error}");
}

impl Sink {
    fn open(format: Format, path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(known) if known.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(known) if !known.is_file() => {
                let place = Place::Itself(fs::OpenOptions::new().write(true).open(path)?);
                Ok(Self { format, path: path.to_owned(), place })
            }
            // Where a link leads, so that the link stays one.
            Ok(_) => Self::beside(format, fs::canonicalize(path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = match path.parent() {
                    Some(folder) if folder != Path::new("") => folder,
                    _ => Path::new("."),
                };
                let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
                Self::beside(format, fs::canonicalize(folder)?.join(name))
            }
            Err(error) => Err(error),
        }
    }

    fn beside(format: Format, path: PathBuf) -> io::Result<Self> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mode = fs::metadata(&path).map_or(0o666, |known| known.permissions().mode() & 0o777);
        let file = tempfile::Builder::new()
            .prefix(".comply-report-")
            // The umask takes its part, as of any file that is created.
            .permissions(fs::Permissions::from_mode(mode))
            .tempfile_in(folder)?;
        Ok(Self { format, path, place: Place::Beside(file) })
    }

    fn write(self, text: &str) -> io::Result<()> {
        match self.place {
            Place::Beside(mut file) => {
                file.write_all(text.as_bytes())?;
                file.as_file().sync_all()?;
                file.persist(&self.path).map_err(|error| error.error)?;
                Ok(())
            }
            Place::Itself(mut file) => file.write_all(text.as_bytes()),
        }
    }
}
