//! How the command line fails: one line that says what is wrong, one that says what to do.

use std::fmt;
use std::process::ExitCode;

/// An error for the person at the terminal. Becomes exit code 1; wrong usage is 2 (clap's).
#[derive(Debug)]
pub struct Failure {
    message: String,
    remedy: Option<String>,
}

impl Failure {
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), remedy: None }
    }

    /// Says what to do next.
    pub fn remedy(mut self, remedy: impl fmt::Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }

    /// Prints itself to standard error.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.message);
        if let Some(remedy) = &self.remedy {
            eprintln!("help: {remedy}");
        }
        ExitCode::FAILURE
    }
}
