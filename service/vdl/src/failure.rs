//! How the command line fails: one line that says what is wrong, one that says what to do.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use vdl_authorize::Refusal;

use crate::files::printable;

/// An error for the person at the terminal. It ends the program with 1; wrong usage is 2 (clap's).
#[derive(Debug)]
pub struct Failure {
    message: String,
    remedy: Option<String>,
}

impl Failure {
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), remedy: None }
    }

    /// Something is wrong with a file.
    pub fn of_file(path: &Path, what: impl fmt::Display) -> Self {
        Self::new(format!("{}: {what}", path.display()))
    }

    /// What `authorize` says about a file.
    pub fn refused(path: &Path, refusal: &Refusal) -> Self {
        Self::of_file(path, refusal).remedy(refusal.remedy())
    }

    /// Says what to do next.
    pub fn remedy(mut self, remedy: impl fmt::Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }

    /// Prints itself to standard error.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {}", printable(&self.message));
        if let Some(remedy) = &self.remedy {
            eprintln!("help: {}", printable(remedy));
        }
        ExitCode::FAILURE
    }
}
