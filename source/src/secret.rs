//! Secrets as a policy names them. While a policy is read there are only names: a placeholder that nobody can guess
//! stands where the secret will be, and is exchanged for it when everything else is known.

mod call;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::OnceLock;

pub(crate) use call::{name_argument, name_arguments};

/// The name of a secret: `secret('mattermost/db', field='user')`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName {
    name: String,
    field: Option<String>,
}

/// Gives secrets by their names.
pub trait Secrets: Sync {
    /// The secret.
    ///
    /// # Errors
    /// Why it cannot be had: a sentence that does not hold it.
    fn get(&self, name: &SecretName) -> Result<String, String>;
}

/// The longest name, in bytes.
const LONGEST: usize = 200;

impl SecretName {
    /// A name that is safe as a path, an argument and a variable, for every provider.
    ///
    /// # Errors
    /// What is wrong with it: a sentence.
    pub fn new(name: &str, field: Option<&str>) -> Result<Self, String> {
        let good = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
        let part = |part: &str| !part.is_empty() && !part.starts_with(['-', '.']) && part.chars().all(good);
        if name.is_empty() || name.len() > LONGEST || !name.split('/').all(part) {
            return Err(
                "the name of a secret is made of letters, digits and `._@+-`, its parts are separated by `/`, \
                        and none begins with `-` or `.`"
                    .to_owned(),
            );
        }
        if let Some(field) = field
            && (field.len() > LONGEST || !part(field))
        {
            return Err("the field of a secret is made of letters, digits and `._@+-`".to_owned());
        }
        Ok(Self { name: name.to_owned(), field: field.map(str::to_owned) })
    }

    /// What its provider knows it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which line of it, where it is not the secret itself.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What stands for it: unguessable, so that only `secret()` can have written it.
    pub fn placeholder(&self) -> String {
        let name = [self.name.as_bytes(), &[0], self.field.as_deref().unwrap_or("").as_bytes()].concat();
        let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}{name}{END}", marker())
    }

    fn from_hex(hex: &str) -> Option<Self> {
        let bytes: Option<Vec<u8>> =
            hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        let text = String::from_utf8(bytes?).ok()?;
        let (name, field) = text.split_once('\0')?;
        Self::new(name, (!field.is_empty()).then_some(field)).ok()
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{}:{field}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

const END: char = '›';

/// How every placeholder of this process begins.
pub fn marker() -> &'static str {
    static MARKER: OnceLock<String> = OnceLock::new();
    MARKER.get_or_init(|| {
        let mut bytes = [0; 16];
        // Without randomness a text of a policy could pass for a secret; there is nothing to fall back to.
        #[expect(clippy::expect_used, reason = "the system's source of randomness does not fail on Linux")]
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        let nonce: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("‹secret:{nonce}:")
    })
}

/// A part of a text: as it is, or a secret's name.
enum Piece<'a> {
    Text(&'a str),
    Secret(SecretName),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(marker()) {
        pieces.push(Piece::Text(before));
        rest = after;
        if let Some((hex, after)) = after.split_once(END)
            && let Some(name) = SecretName::from_hex(hex)
        {
            pieces.push(Piece::Secret(name));
            rest = after;
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// The secrets whose placeholders stand in a text.
pub fn names_in(text: &str) -> BTreeSet<SecretName> {
    let names = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Secret(name) => Some(name),
        Piece::Text(_) => None,
    });
    names.collect()
}

/// The text with secrets in place of their placeholders.
///
/// # Errors
/// The first one that cannot be had.
pub fn fill(text: &str, secrets: &dyn Secrets) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Secret(name) => filled.push_str(&secrets.get(&name)?),
        }
    }
    Ok(filled)
}

/// The text as people may see it: `‹secret:NAME›` in place of a placeholder.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(marker()) {
        return Cow::Borrowed(text);
    }
    let shown = pieces(text).into_iter().map(|piece| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Secret(name) => format!("‹secret:{name}{END}"),
    });
    Cow::Owned(shown.collect())
}

thread_local! {
    /// What `secret()` gave to the template that is being rendered on this thread.
    static GIVEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Lets templates call `secret()`.
pub(crate) fn register(engine: &mut tera::Tera) {
    engine.register_function("secret", |arguments: tera::Kwargs, _: &tera::State<'_>| -> tera::TeraResult<String> {
        if let Some((key, _)) = arguments.iter().find(|(key, _)| !["name", "field"].contains(&key.to_string().as_str()))
        {
            return Err(tera::Error::message(format!("`secret` takes a name and `field`, not `{key}`")));
        }
        let name: Option<String> = arguments.get("name")?;
        let name = name.ok_or_else(|| tera::Error::message("`secret` needs a name: `secret('mattermost/db')`"))?;
        let field: Option<String> = arguments.get("field")?;
        let name = SecretName::new(&name, field.as_deref()).map_err(tera::Error::message)?;
        let placeholder = name.placeholder();
        GIVEN.with(|given| given.borrow_mut().push(placeholder.clone()));
        Ok(placeholder)
    });
}

/// Renders, and makes sure that every secret that was asked for stands in the result as it was given: whatever was
/// made of a placeholder would not be the secret.
pub(crate) fn watched<T>(render: impl FnOnce() -> T, holds: impl Fn(&T, &str) -> bool) -> Result<T, Box<SecretName>> {
    GIVEN.with(|given| given.borrow_mut().clear());
    let result = render();
    let given = GIVEN.with(|given| std::mem::take(&mut *given.borrow_mut()));
    match given.iter().find(|placeholder| !holds(&result, placeholder)) {
        Some(lost) => {
            Err(Box::new(names_in(lost).into_iter().next().unwrap_or(SecretName { name: String::new(), field: None })))
        }
        None => Ok(result),
    }
}

/// What is said of a secret that a template changed.
pub(crate) const CHANGED: &str = "is put in as it is, after everything else: no filter or condition can use it";
