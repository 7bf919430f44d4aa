//! Words to terms, by recursive descent: `or` binds least, then `and`, `not`, comparisons.

use super::lex::{Token, Word};
use super::{Comparison, Mistake, Term, What};
use crate::node::Node;
use crate::scope::Path;
use crate::spot::spot;
use std::ops::Range;

/// How deep parentheses, lists and `not` may be nested.
const MAX_DEPTH: usize = 64;

pub(super) fn parse(tokens: &[Token], text: &str, node: &Node) -> Result<Term, Mistake> {
    let mut parser = Parser { tokens, at: 0, end: text.len(), depth: 0, node };
    let term = parser.or()?;
    match parser.peek() {
        None => Ok(term),
        Some(token) => Err(parser.unexpected(token)),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    end: usize,
    depth: usize,
    node: &'a Node,
}

type Parsed = Result<Term, Mistake>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn name(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Token { what: Word::Name(found), .. }) if found == name)
    }

    fn sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token { what: Word::Sign(found), .. }) if found == sign)
    }

    fn take_name(&mut self, name: &str) -> bool {
        let there = self.name(name);
        self.at += usize::from(there);
        there
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let there = self.sign(sign);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        if self.take_sign(sign) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(token) => Mistake::new(token.range.clone(), format!("`{sign}` is expected here")),
            None => Mistake::new(self.end..self.end, format!("`{sign}` is missing at the end")),
        })
    }

    fn unexpected(&self, token: &Token) -> Mistake {
        let mistake = |message: String| Mistake::new(token.range.clone(), message);
        match &token.what {
            Word::Open => mistake("the closing quote is missing".to_owned()),
            Word::Sign(sign) if sign == "=" => mistake("`=` means nothing here".to_owned()).hint("compare with `==`"),
            Word::Sign(sign) if sign == "&" || sign == "|" || sign == "!" => {
                mistake(format!("`{sign}` means nothing here")).hint("write `and`, `or`, `not`, `!=`")
            }
            Word::Sign(sign) => mistake(format!("`{sign}` is not expected here")),
            Word::Name(name) => mistake(format!("`{name}` is not expected here"))
                .hint("texts are written in quotes; conditions are joined by `and` or `or`"),
            Word::Text(_) | Word::Number(_) => mistake("an operator is missing before this".to_owned())
                .hint("`==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `and`, `or`"),
        }
    }

    fn deeper(&mut self, range: &Range<usize>) -> Result<(), Mistake> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Mistake::new(range.clone(), "this is nested too deep"));
        }
        Ok(())
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.take_name("or") {
            let right = self.and()?;
            left = join(What::Or, left, right);
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.take_name("and") {
            let right = self.not()?;
            left = join(What::And, left, right);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let Some(token) = self.peek().filter(|_| self.name("not")) else { return self.comparison() };
        self.at += 1;
        self.deeper(&token.range)?;
        let term = self.not()?;
        self.depth -= 1;
        let range = token.range.start..term.range.end;
        Ok(Term { what: What::Not(Box::new(term)), range })
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.operand()?;
        if self.name("not") {
            let range = self.peek().map_or(self.end..self.end, |token| token.range.clone());
            self.at += 1;
            if !self.take_name("in") {
                return Err(Mistake::new(range, "`not` here must be followed by `in`"));
            }
            let right = self.operand()?;
            let inside = join(What::In, left, right);
            let range = inside.range.clone();
            return Ok(Term { what: What::Not(Box::new(inside)), range });
        }
        if self.take_name("in") {
            let right = self.operand()?;
            return Ok(join(What::In, left, right));
        }
        let Some(comparison) = self.comparison_sign() else { return Ok(left) };
        let right = self.operand()?;
        if let Some(token) = self.peek().filter(|_| self.comparison_ahead()) {
            return Err(Mistake::new(token.range.clone(), "comparisons are not chained").hint("join them with `and`"));
        }
        Ok(join(|left, right| What::Compare(comparison, left, right), left, right))
    }

    fn comparison_ahead(&self) -> bool {
        ["==", "!=", "<", "<=", ">", ">="].iter().any(|sign| self.sign(sign))
    }

    fn comparison_sign(&mut self) -> Option<Comparison> {
        let signs = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<", Comparison::Less),
            ("<=", Comparison::LessEqual),
            (">", Comparison::Greater),
            (">=", Comparison::GreaterEqual),
        ];
        signs.into_iter().find(|(sign, _)| self.take_sign(sign)).map(|(_, comparison)| comparison)
    }

    fn operand(&mut self) -> Parsed {
        let Some(token) = self.peek() else {
            return Err(Mistake::new(self.end..self.end, "something is missing at the end"));
        };
        let range = token.range.clone();
        match &token.what {
            Word::Text(text) => {
                self.at += 1;
                let node = Node::text(text.as_str(), spot(self.node, range.clone()));
                Ok(Term { what: What::Literal(node), range })
            }
            Word::Number(number) => {
                self.at += 1;
                Ok(self.plain(number, range))
            }
            Word::Sign(sign) if sign == "-" => self.negative(range),
            Word::Sign(sign) if sign == "(" => {
                self.at += 1;
                self.deeper(&range)?;
                let term = self.or()?;
                self.expect(")")?;
                self.depth -= 1;
                Ok(term)
            }
            Word::Sign(sign) if sign == "[" => self.list(range),
            Word::Name(name) => match name.as_str() {
                "true" | "false" => {
                    self.at += 1;
                    Ok(self.plain(name, range))
                }
                "defined" => self.defined(range),
                "and" | "or" | "not" | "in" => Err(self.unexpected(token)),
                _ => {
                    let path = self.path()?;
                    if self.sign("(") {
                        return Err(no_function(name, range));
                    }
                    Ok(Term { range: path.range(), what: What::Path(path) })
                }
            },
            Word::Sign(_) | Word::Open => Err(self.unexpected(token)),
        }
    }

    fn plain(&self, text: &str, range: Range<usize>) -> Term {
        Term { what: What::Literal(Node::plain(text, spot(self.node, range.clone()))), range }
    }

    fn negative(&mut self, range: Range<usize>) -> Parsed {
        self.at += 1;
        match self.peek() {
            Some(Token { what: Word::Number(number), range: digits }) => {
                self.at += 1;
                Ok(self.plain(&format!("-{number}"), range.start..digits.end))
            }
            _ => Err(Mistake::new(range, "`-` must be followed by a number")),
        }
    }

    fn list(&mut self, open: Range<usize>) -> Parsed {
        self.at += 1;
        self.deeper(&open)?;
        let mut items = Vec::new();
        while !self.sign("]") {
            items.push(self.operand()?);
            if !self.take_sign(",") {
                break;
            }
        }
        let end = self.peek().map_or(self.end, |token| token.range.end);
        self.expect("]")?;
        self.depth -= 1;
        Ok(Term { what: What::List(items), range: open.start..end })
    }

    fn defined(&mut self, range: Range<usize>) -> Parsed {
        self.at += 1;
        self.expect("(")?;
        let path = self.path()?;
        let end = self.peek().map_or(self.end, |token| token.range.end);
        self.expect(")")?;
        Ok(Term { what: What::Defined(path), range: range.start..end })
    }

    fn path(&mut self) -> Result<Path, Mistake> {
        match path(self.tokens, self.at) {
            Some((path, next)) => {
                self.at = next;
                Ok(path)
            }
            None => Err(match self.peek() {
                Some(token) => Mistake::new(token.range.clone(), "a name is expected here"),
                None => Mistake::new(self.end..self.end, "a name is missing at the end"),
            }),
        }
    }
}

fn no_function(name: &str, range: Range<usize>) -> Mistake {
    if name == "secret" {
        let mistake = Mistake::new(range, "a condition or `for_each` cannot use a secret");
        return mistake.hint("what it decides would tell of the secret; use a variable");
    }
    Mistake::new(range, format!("there is no function `{name}`")).hint("conditions know `defined(name)` only")
}

fn join(what: impl FnOnce(Box<Term>, Box<Term>) -> What, left: Term, right: Term) -> Term {
    let range = left.range.start..right.range.end;
    Term { what: what(Box::new(left), Box::new(right)), range }
}

/// The longest path that begins at the word `at`, and the word after it.
pub(crate) fn path(tokens: &[Token], at: usize) -> Option<(Path, usize)> {
    let Token { what: Word::Name(name), range } = tokens.get(at)? else { return None };
    let mut steps = vec![(name.clone(), range.clone())];
    let mut next = at + 1;
    loop {
        let words = (tokens.get(next), tokens.get(next + 1), tokens.get(next + 2));
        let sign = |token: Option<&Token>, wanted: &str| matches!(token, Some(Token { what: Word::Sign(sign), .. }) if sign == wanted);
        match words {
            (dot, Some(Token { what: Word::Name(step), range }), _) if sign(dot, ".") => {
                steps.push((step.clone(), range.clone()));
                next += 2;
            }
            (dot, Some(Token { what: Word::Number(index), range }), _) if sign(dot, ".") => {
                steps.extend(index.split('.').map(|step| (step.to_owned(), range.clone())));
                next += 2;
            }
            (open, Some(Token { what: Word::Text(step) | Word::Number(step), range }), close)
                if sign(open, "[") && sign(close, "]") =>
            {
                steps.push((step.clone(), range.clone()));
                next += 3;
            }
            _ => return Some((Path { steps }, next)),
        }
    }
}
