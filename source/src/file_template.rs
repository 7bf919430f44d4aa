//! Template files: full Tera, for content that is put on hosts.

use crate::diagnostic::Diagnostic;
use crate::place::{Place, SourceFile};
use crate::rendering;
use crate::scope::Scope;
use crate::secret;
use crate::suggest;
use crate::tera_value::to_tera;
use std::ops::Range;
use std::sync::Arc;

/// A parsed template file.
#[derive(Debug)]
pub struct FileTemplate {
    engine: tera::Tera,
    path: String,
    place: Place,
    /// What is written in it.
    file: Arc<SourceFile>,
    /// The names it may look up.
    names: Vec<String>,
}

/// Why a template file gives no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRendered {
    /// It depends on facts of the host that are not known yet.
    Unknown,
    /// It mentions names that are not there.
    Undefined(Vec<Diagnostic>),
    /// It is wrong: a sentence with the place.
    Wrong(String),
}

impl FileTemplate {
    /// Parses the text of `path`; the error is a sentence with the place.
    pub fn parse(path: &str, text: &str) -> Result<Self, String> {
        let mut engine = rendering::engine();
        engine.add_raw_template(path, &secret::name_arguments(text)).map_err(|error| complaint(path, &error))?;
        let names = engine.get_template_variables(path).map_err(|error| complaint(path, &error))?;
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names.sort();
        let place = Place::whole(&SourceFile::new(path, ""));
        Ok(Self { engine, path: path.to_owned(), place, file: SourceFile::new(path, text), names })
    }

    /// Renders it with the names of a scope. Every name that it mentions must be there.
    pub fn render(&self, scope: &dyn Scope) -> Result<String, NotRendered> {
        let mut context = tera::Context::new();
        let mut unknown = false;
        let mut undefined = Vec::new();
        for name in &self.names {
            match scope.get(name) {
                Some(node) => {
                    unknown |= node.has_unknown();
                    context.insert_value(name.clone(), to_tera(node));
                }
                None => undefined.push(self.undefined(name, scope)),
            }
        }
        if !undefined.is_empty() {
            return Err(NotRendered::Undefined(undefined));
        }
        if unknown {
            return Err(NotRendered::Unknown);
        }
        let rendered = secret::watched(
            || rendering::render(&self.engine, &self.path, &context, &self.place),
            |rendered, placeholder| rendered.as_ref().map_or(true, |text| text.contains(placeholder)),
        );
        match rendered {
            Ok(rendered) => rendered.map_err(|error| NotRendered::Wrong(complaint(&self.path, &error))),
            Err(name) => Err(NotRendered::Wrong(format!("{}: the secret `{name}` {}", self.path, secret::CHANGED))),
        }
    }
}

impl FileTemplate {
    fn undefined(&self, name: &str, scope: &dyn Scope) -> Diagnostic {
        let at = first_use(self.file.text(), name).unwrap_or(0..0);
        Diagnostic::error("undefined-name", format!("`{name}` is not defined"))
            .at(&Place::new(&self.file, at), "")
            .maybe_hint(suggest::hint(name, scope.names()))
    }
}

/// Where a template first looks up a name.
fn first_use(text: &str, name: &str) -> Option<Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = text.match_indices(name).filter(|(at, _)| {
        let (before, after) = (text.get(..*at).unwrap_or(""), text.get(at + name.len()..).unwrap_or(""));
        let last = |signs: [&str; 2]| signs.iter().filter_map(|sign| before.rfind(sign)).max();
        let inside = last(["{{", "{%"]) > last(["}}", "%}"]);
        inside && !before.ends_with(|c| is_part(c) || c == '.') && !after.starts_with(is_part)
    });
    found.next().map(|(at, _)| at..at + name.len())
}

fn complaint(path: &str, error: &tera::Error) -> String {
    match error.kind() {
        tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report) => {
            let span = report.span();
            let message = report.message().trim_end_matches('.');
            format!("{path}:{}:{}: {message}", span.start_line, span.start_col + 1)
        }
        other => format!("{path}: {other}"),
    }
}
