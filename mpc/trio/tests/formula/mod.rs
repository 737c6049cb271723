//! The formulas of docs/protocols.md: numbers, names, `+ - * /`, comparisons, and functions that may call
//! themselves, as `if` looks at one of its branches only.

#![allow(clippy::panic)]

use std::collections::HashMap;

pub type Numbers = HashMap<String, f64>;

/// `name(parameters) = formula`, as the document defines them.
#[derive(Default)]
pub struct Functions(HashMap<String, (Vec<String>, String)>);

impl Functions {
    /// Takes `name(a, b)` and its formula.
    pub fn define(&mut self, head: &str, formula: &str) {
        let (name, rest) = head.split_once('(').unwrap_or((head, ")"));
        let parameters = rest.trim_end_matches(')').split(',').map(|name| name.trim().to_owned());
        let parameters = parameters.filter(|name| !name.is_empty()).collect();
        self.0.insert(name.trim().to_owned(), (parameters, formula.to_owned()));
    }

    pub fn evaluate(&self, formula: &str, numbers: &Numbers) -> f64 {
        let mut reading = Reading { functions: self, numbers, left: formula };
        let value = reading.comparison();
        assert!(reading.left.trim().is_empty(), "`{}` is left over of `{formula}`", reading.left);
        value
    }
}

struct Reading<'a> {
    functions: &'a Functions,
    numbers: &'a Numbers,
    left: &'a str,
}

impl<'a> Reading<'a> {
    fn take(&mut self, token: &str) -> bool {
        let rest = self.left.trim_start().strip_prefix(token);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }

    fn comparison(&mut self) -> f64 {
        let left = self.sum();
        for (token, holds) in [
            ("<=", (|a, b| a <= b) as fn(f64, f64) -> bool),
            (">=", |a, b| a >= b),
            ("<", |a, b| a < b),
            (">", |a, b| a > b),
            ("=", |a, b| a == b),
        ] {
            if self.take(token) {
                return f64::from(u8::from(holds(left, self.sum())));
            }
        }
        left
    }

    fn sum(&mut self) -> f64 {
        let mut sum = self.product();
        loop {
            if self.take("+") {
                sum += self.product();
            } else if self.take("-") {
                sum -= self.product();
            } else {
                return sum;
            }
        }
    }

    fn product(&mut self) -> f64 {
        let mut product = self.atom();
        loop {
            if self.take("*") {
                product *= self.atom();
            } else if self.take("/") {
                product /= self.atom();
            } else {
                return product;
            }
        }
    }

    fn atom(&mut self) -> f64 {
        if self.take("(") {
            let value = self.comparison();
            assert!(self.take(")"), "a bracket is not closed before `{}`", self.left);
            return value;
        }
        let text = self.left.trim_start();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.left = rest;
        if let Ok(number) = word.parse() {
            return number;
        }
        if self.take("(") {
            let arguments = self.arguments();
            return self.call(word, &arguments);
        }
        *self.numbers.get(word).unwrap_or_else(|| panic!("nothing says what `{word}` is"))
    }

    /// The texts between commas up to the closing bracket.
    fn arguments(&mut self) -> Vec<&'a str> {
        let (mut depth, mut start, mut found) = (0, 0, Vec::new());
        for (at, c) in self.left.char_indices() {
            match c {
                '(' => depth += 1,
                ')' | ',' if depth == 0 => {
                    found.push(&self.left[start..at]);
                    start = at + 1;
                    if c == ')' {
                        self.left = &self.left[start..];
                        return found;
                    }
                }
                ')' => depth -= 1,
                _ => {}
            }
        }
        panic!("a bracket is not closed in `{}`", self.left)
    }

    fn call(&self, name: &str, arguments: &[&str]) -> f64 {
        let value = |k: usize| self.functions.evaluate(arguments[k], self.numbers);
        match name {
            "if" => return value(if value(0) != 0.0 { 1 } else { 2 }),
            "floor" => return value(0).floor(),
            "ceil" => return value(0).ceil(),
            "min" => return value(0).min(value(1)),
            "max" => return value(0).max(value(1)),
            "lg" => return value(0).max(1.0).log2().ceil(),
            _ => {}
        }
        let (parameters, formula) =
            self.functions.0.get(name).unwrap_or_else(|| panic!("nothing says what `{name}(...)` is"));
        assert_eq!(parameters.len(), arguments.len(), "arguments of `{name}`");
        let mut numbers = self.numbers.clone();
        numbers.extend(parameters.iter().cloned().zip((0..arguments.len()).map(value)));
        self.functions.evaluate(formula, &numbers)
    }
}
