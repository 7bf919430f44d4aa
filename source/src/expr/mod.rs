//! The language of `when` and `for_each`: names with paths, literals, `== != < <= > >=`, `in`, `not`, `and`,
//! `or`, parentheses and `defined(…)`. Small and strict on purpose: a name that is not there, or a text where
//! true or false is needed, is an error and never a silent false.

mod eval;
pub mod lex;
mod parse;

pub use eval::{Each, Truth};
pub(crate) use parse::path;

use crate::diagnostic::Diagnostic;
use crate::node::Node;
use crate::scope::Path;
use crate::spot::spot;
use lex::lex;
use std::ops::Range;

/// The most words of one expression.
const MAX_WORDS: usize = 1000;

/// A parsed expression and the scalar that it is written in.
#[derive(Clone, Debug)]
pub struct Expr {
    root: Term,
    node: Node,
}

/// A part of an expression with its bytes in the text.
#[derive(Clone, Debug)]
struct Term {
    what: What,
    range: Range<usize>,
}

#[derive(Clone, Debug)]
enum What {
    Literal(Node),
    List(Vec<Term>),
    Path(Path),
    Defined(Path),
    Not(Box<Term>),
    And(Box<Term>, Box<Term>),
    Or(Box<Term>, Box<Term>),
    In(Box<Term>, Box<Term>),
    Compare(Comparison, Box<Term>, Box<Term>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// A mistake at some bytes of the text.
struct Mistake {
    range: Range<usize>,
    message: String,
    hint: Option<String>,
}

impl Mistake {
    fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self { range, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn diagnostic(self, code: &'static str, node: &Node) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(code, self.message).at(&spot(node, self.range), "").maybe_hint(self.hint))
    }
}

impl Expr {
    /// Parses the text of a scalar.
    pub fn parse(node: &Node) -> Result<Self, Box<Diagnostic>> {
        let Some(text) = node.as_str() else {
            let message = format!("an expression is text, not {}", node.kind());
            return Err(Box::new(Diagnostic::error("bad-expression", message).at(&node.place, "")));
        };
        if text.contains("{{") {
            let diagnostic = Diagnostic::error("bad-expression", "an expression is written without braces")
                .at(&node.place, "")
                .hint("leave out `{{` and `}}`");
            return Err(Box::new(diagnostic));
        }
        let tokens = lex(text);
        if tokens.len() > MAX_WORDS {
            let message = format!("an expression has at most {MAX_WORDS} words");
            return Err(Box::new(Diagnostic::error("bad-expression", message).at(&node.place, "")));
        }
        match parse::parse(&tokens, text, node) {
            Ok(root) => Ok(Self { root, node: node.clone() }),
            Err(mistake) => Err(mistake.diagnostic("bad-expression", node)),
        }
    }

    /// The scalar that it is written in.
    pub fn node(&self) -> &Node {
        &self.node
    }
}
