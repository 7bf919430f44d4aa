//! The fields of a kind as its documentation has them: for pages, schemas and explanations.

use engine::AnyModule;
use serde_json::Value;

/// One field of a kind.
#[derive(Clone, Debug)]
pub struct Field {
    /// As a policy spells it.
    pub name: String,
    /// What it is: its doc comment.
    pub description: String,
    /// The schema of its type.
    pub schema: Value,
    /// Its elements are united when declarations merge.
    pub is_set: bool,
    /// It must be written.
    pub required: bool,
}

/// The fields of a kind, in the order in which it declares them.
pub fn fields(module: &dyn AnyModule) -> Vec<Field> {
    let schema = module.schema().to_value();
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties
        .into_iter()
        .map(|(name, schema)| Field {
            description: schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " "),
            is_set: module.sets().contains(&name.as_str()),
            required: module.required().contains(&name.as_str()),
            name,
            schema,
        })
        .collect()
}

impl Field {
    /// What holds where the field is not written, in words. Its doc comment says so: "(default: true)", "default: root.", or
    /// "`present` (the default)".
    pub fn default(&self) -> Option<&str> {
        let text = self.description.as_str();
        if let Some((before, rest)) = text.split_once("efault: ") {
            let ends: &[char] = if before.ends_with("(d") { &[')'] } else { &['.', ';', ','] };
            return rest.split(ends).next();
        }
        let (before, _) = text.split_once("` (the default)")?;
        before.rsplit('`').next()
    }

    /// The same as a value, where it is one.
    pub fn default_value(&self) -> Option<Value> {
        let word = self.default()?.split(',').next()?.trim_matches('`');
        match serde_json::from_str(word) {
            Ok(value) => Some(value),
            Err(_) => (!word.contains(' ')).then(|| word.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(description: &str) -> (Option<String>, Option<Value>) {
        let field = Field {
            name: String::new(),
            description: description.to_owned(),
            schema: Value::Null,
            is_set: false,
            required: false,
        };
        (field.default().map(str::to_owned), field.default_value())
    }

    #[test]
    fn a_default_is_read_from_the_words_of_a_doc_comment() {
        let told = |text: &str, value: Option<Value>| (Some(text.to_owned()), value);
        assert_eq!(of("It is there (default: true); else not."), told("true", Some(true.into())));
        assert_eq!(of("`present` (the default) or `absent`."), told("present", Some("present".into())));
        assert_eq!(of("As whom; default: root."), told("root", Some("root".into())));
        assert_eq!(of("As whom. Default: root alone."), told("root alone", None));
        assert_eq!(of("No other (default: true, once `keys` is)."), told("true, once `keys` is", Some(true.into())));
        assert_eq!(of("Its number."), (None, None));
    }
}
