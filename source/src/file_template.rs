//! Template files: full Tera, for content that is put on hosts.

use crate::place::{Place, SourceFile};
use crate::rendering;
use crate::scope::Scope;
use crate::secret;
use crate::suggest;
use crate::tera_value::to_tera;

/// A parsed template file.
#[derive(Debug)]
pub struct FileTemplate {
    engine: tera::Tera,
    path: String,
    place: Place,
    /// The names it may look up.
    names: Vec<String>,
}

/// Why a template file gives no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRendered {
    /// It depends on facts of the host that are not known yet.
    Unknown,
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
        Ok(Self { engine, path: path.to_owned(), place, names })
    }

    /// Renders it with the names of a scope. Every name that it mentions must be there.
    pub fn render(&self, scope: &dyn Scope) -> Result<String, NotRendered> {
        let mut context = tera::Context::new();
        let mut unknown = false;
        for name in &self.names {
            let Some(node) = scope.get(name) else {
                let hint = suggest::nearest(name, scope.names()).map(|near| format!("; did you mean `{near}`?"));
                let message = format!("{}: `{name}` is not defined{}", self.path, hint.unwrap_or_default());
                return Err(NotRendered::Wrong(message));
            };
            unknown |= node.has_unknown();
            context.insert_value(name.clone(), to_tera(node));
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
