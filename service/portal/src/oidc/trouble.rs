//! Why nobody was signed in. The page has the words for each; the log has the rest.

use std::error::Error;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use openidconnect::core::CoreRequestTokenError;

use super::wire::NoAnswer;
use crate::error::Fault;

#[derive(Debug)]
pub enum Trouble {
    /// Begun too long ago, in another browser, or over already.
    Over,
    /// The provider knows them, the portal does not.
    NoAccount,
    /// They said no to the provider.
    Declined,
    /// The provider said no. What it said, if that is one of the words there are for it.
    Refused(&'static str),
    Unreachable(String),
    /// What the provider sent is not believed.
    Doubtful(String),
    /// The invitation is used, taken back, or too old.
    Invitation,
    /// The invitation is for somebody who has an account, to which this identity does not belong.
    HasAccount,
    /// The identity belongs to another account than the one at hand.
    Another,
    /// They did not show the provider once more that it is them, or it does not say so.
    NotShown,
    /// The portal's own no.
    Fault(Fault),
}

impl Trouble {
    pub fn unreachable(error: &dyn Error) -> Self {
        Self::Unreachable(with_causes(error))
    }

    pub fn doubtful(error: &dyn Error) -> Self {
        Self::Doubtful(with_causes(error))
    }

    pub fn of_token_endpoint(error: &CoreRequestTokenError<NoAnswer>) -> Self {
        match error {
            // A code that was used, or never was one.
            CoreRequestTokenError::ServerResponse(answer) => Self::Refused(known(answer.error().as_ref())),
            CoreRequestTokenError::Request(error) => Self::unreachable(error),
            other => Self::doubtful(other),
        }
    }

    /// What the provider wrote into the address it sent the browser back to.
    pub fn of_answer(error: &str) -> Self {
        match error {
            "access_denied" => Self::Declined,
            other => Self::Refused(known(other)),
        }
    }

    /// The page's name for it.
    pub fn word(&self) -> String {
        match self {
            Self::Over => "over".into(),
            Self::NoAccount => "no-account".into(),
            Self::Declined => "declined".into(),
            Self::Refused(why) => format!("refused/{why}"),
            Self::Unreachable(_) => "unreachable".into(),
            Self::Doubtful(_) => "doubtful".into(),
            Self::Invitation => "invitation".into(),
            Self::HasAccount => "has-account".into(),
            Self::Another => "another".into(),
            Self::NotShown => "not-shown".into(),
            Self::Fault(Fault::TooOften) => "too-often".into(),
            Self::Fault(Fault::NotLoggedIn) => "over".into(),
            Self::Fault(Fault::PasskeyNeeded) => "passkey".into(),
            Self::Fault(_) => "internal".into(),
        }
    }

    /// Whether somebody tried to come in and was not let in.
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Over | Self::Declined | Self::Unreachable(_) | Self::Fault(_))
    }

    /// Sends the browser to the page that says so.
    pub fn into_page(self, origin: &str) -> Response {
        match &self {
            Self::Fault(fault) => tracing::warn!(?fault, "not signed in"),
            Self::Unreachable(why) | Self::Doubtful(why) => {
                tracing::warn!(trouble = self.word(), why, "not signed in");
            }
            other => tracing::info!(trouble = other.word(), "not signed in"),
        }
        go_to(&format!("{origin}/#/sign-in/{}", self.word()))
    }
}

pub fn with_causes(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(inner) = cause {
        text += &format!(": {inner}");
        cause = inner.source();
    }
    text
}

/// Only words of the standards are passed on: the rest is whatever somebody wrote into an address.
fn known(why: &str) -> &'static str {
    const WORDS: [&str; 14] = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_response_type",
        "unsupported_grant_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
        "unmet_authentication_requirements",
    ];
    WORDS.into_iter().find(|word| *word == why).unwrap_or("other")
}

/// To an address of the portal's own, or one the provider gave.
pub fn go_to(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        Err(error) => Fault::internal("an address", &error).into_response(),
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// In an answer that a script reads, not a browser on its way.
impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Fault(fault) => fault,
            Trouble::Unreachable(why) => {
                tracing::warn!(why, "the provider cannot be used");
                Self::OidcUnreachable
            }
            other => Self::internal("signing in", &format!("{other:?}")),
        }
    }
}
