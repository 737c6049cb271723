//! How the portal says no. Nothing that went wrong inside is told; it is logged under the answer's id.

use std::fmt::Display;
use std::io;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vdl_authorize::Refusal;
use vdl_command::ErrorAnswer;

use crate::ids::fresh_id;

/// What a server says of a parcel that it cannot open.
const UNREADABLE: &str = "sealed_unreadable";
/// What a database says when its disk is full: SQLITE_FULL, and `disk_full` of PostgreSQL (its appendix A).
const NO_ROOM: [&str; 2] = ["13", "53100"];

/// Why the portal does not start.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    #[error("{0}")]
    Config(String),
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    System(String),
}

/// The body of every answer that is an error.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable; explained in docs/errors.md.
    pub code: String,
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Names this answer in the portal's log.
    pub id: String,
    /// The server that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<u8>,
}

/// Why a request is not answered.
#[derive(Debug)]
pub enum Fault {
    NotLoggedIn,
    WrongLogin,
    StepUpNeeded,
    /// A password alone is not enough here.
    PasskeyNeeded,
    PasskeyRefused,
    /// The same, because its counter did not go up: there may be a copy of it.
    PasskeyCopied,
    NotAllowed,
    CrossSite,
    /// Says what is not there. Also for what is there and not for this user.
    NoSuchThing(&'static str),
    InvalidInput(String),
    WeakPassword(&'static str),
    ContentType(&'static str),
    TooLong(usize),
    /// The body did not arrive in time.
    TooSlow,
    TooOften,
    /// Somebody else was faster.
    ChangedMeanwhile,
    NotNow(String),
    OwnRequest,
    WrongSignature,
    KeyUnknown,
    Taken(&'static str),
    LastAdministrator,
    NoPolicy,
    QuotaReached(&'static str),
    UploadIncomplete,
    NotOffered(&'static str),
    /// What contract/authorize says.
    Refused(Refusal),
    /// What a server says.
    Server(ErrorAnswer),
    Unreachable {
        server: u8,
        why: String,
    },
    /// That of accounts elsewhere, under `[oidc]`.
    OidcUnreachable,
    OnlyWayIn,
    /// The disk of the spool or of the database, or what its owner may use of it.
    DiskFull(String),
    /// Logged here and told nobody.
    Internal(String),
}

impl Fault {
    pub fn internal(doing: &str, error: &dyn Display) -> Self {
        Self::Internal(format!("{doing}: {error}"))
    }

    /// The file system did not do as it should.
    pub fn disk(doing: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull(format!("{doing}: {error}"))
            }
            _ => Self::internal(doing, error),
        }
    }

    pub fn invalid(what: impl Into<String>) -> Self {
        Self::InvalidInput(what.into())
    }

    /// Stable; listed in docs/errors.md.
    pub fn code(&self) -> &str {
        match self {
            Self::NotLoggedIn => "not_logged_in",
            Self::WrongLogin => "wrong_login",
            Self::StepUpNeeded => "step_up_needed",
            Self::PasskeyNeeded => "passkey_needed",
            Self::PasskeyRefused | Self::PasskeyCopied => "passkey_refused",
            Self::NotAllowed => "not_allowed",
            Self::CrossSite => "cross_site",
            Self::NoSuchThing(_) => "no_such_thing",
            Self::InvalidInput(_) => "invalid_input",
            Self::WeakPassword(_) => "weak_password",
            Self::ContentType(_) => "wrong_content_type",
            Self::TooLong(_) => "request_too_long",
            Self::TooSlow => "too_slow",
            Self::TooOften => "too_often",
            Self::ChangedMeanwhile => "changed_meanwhile",
            Self::NotNow(_) => "not_now",
            Self::OwnRequest => "own_request",
            Self::WrongSignature => "wrong_signature",
            Self::KeyUnknown => "key_unknown",
            Self::Taken(_) => "taken",
            Self::LastAdministrator => "last_administrator",
            Self::NoPolicy => "no_policy",
            Self::QuotaReached(_) => "quota_reached",
            Self::UploadIncomplete => "upload_incomplete",
            Self::NotOffered(_) => "not_offered",
            Self::Refused(refusal) => refusal.code(),
            Self::Server(answer) => &answer.code,
            Self::Unreachable { .. } => "node_unreachable",
            Self::OidcUnreachable => "oidc_unreachable",
            Self::OnlyWayIn => "only_way_in",
            Self::DiskFull(_) => "disk_full",
            Self::Internal(_) => "internal",
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn | Self::WrongLogin => StatusCode::UNAUTHORIZED,
            Self::PasskeyRefused | Self::PasskeyCopied => StatusCode::UNAUTHORIZED,
            Self::StepUpNeeded | Self::PasskeyNeeded => StatusCode::FORBIDDEN,
            Self::NotAllowed | Self::CrossSite | Self::OwnRequest => StatusCode::FORBIDDEN,
            Self::NoSuchThing(_) | Self::NotOffered(_) => StatusCode::NOT_FOUND,
            Self::InvalidInput(_) | Self::WeakPassword(_) | Self::WrongSignature | Self::KeyUnknown => {
                StatusCode::BAD_REQUEST
            }
            Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLong(_) | Self::QuotaReached(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::ChangedMeanwhile | Self::NotNow(_) | Self::Taken(_) | Self::LastAdministrator => {
                StatusCode::CONFLICT
            }
            Self::NoPolicy | Self::UploadIncomplete | Self::OnlyWayIn => StatusCode::CONFLICT,
            // Nothing to try again: whoever sealed the parcel has to seal it anew.
            Self::Server(answer) if answer.code == UNREADABLE => StatusCode::BAD_REQUEST,
            Self::Server(_) | Self::Unreachable { .. } | Self::OidcUnreachable => StatusCode::BAD_GATEWAY,
            Self::DiskFull(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NotLoggedIn => "nobody is logged in".into(),
            Self::WrongLogin => "this address and password do not belong together".into(),
            Self::StepUpNeeded => "this needs your password or passkey once more".into(),
            Self::PasskeyNeeded => "this account needs a passkey; the password alone is not enough".into(),
            Self::PasskeyRefused | Self::PasskeyCopied => "this passkey was not accepted".into(),
            Self::NotAllowed => "your roles in this project do not allow this".into(),
            Self::CrossSite => "the request did not come from a page of this portal".into(),
            Self::NoSuchThing(what) => format!("there is no such {what}, or it is not yours to see"),
            Self::InvalidInput(what) => what.clone(),
            Self::WeakPassword(why) => format!("this password is too easy to guess: {why}"),
            Self::ContentType(wanted) => format!("the body has to be {wanted}"),
            Self::TooLong(limit) => format!("the body is longer than {limit} bytes"),
            Self::TooSlow => "the body did not arrive in time".into(),
            Self::TooOften => "too many attempts in a short time".into(),
            Self::ChangedMeanwhile => "somebody changed this in the meantime".into(),
            Self::NotNow(why) => why.clone(),
            Self::OwnRequest => "nobody decides about a request of their own".into(),
            Self::WrongSignature => "the signature does not fit what it should be under".into(),
            Self::KeyUnknown => "this key is not enrolled here for you and for this use".into(),
            Self::Taken(what) => format!("this {what} is there already"),
            Self::LastAdministrator => "a project keeps at least one administrator".into(),
            Self::NoPolicy => "this project has no approvers yet".into(),
            Self::QuotaReached(which) => format!("the limit is reached: {which}"),
            Self::UploadIncomplete => "parts of this upload are missing".into(),
            Self::NotOffered(what) => format!("this portal has no {what}"),
            Self::Refused(refusal) => refusal.to_string(),
            Self::Server(answer) => answer.message.clone(),
            Self::Unreachable { server, why } => format!("server {server} cannot be reached: {why}"),
            Self::OidcUnreachable => "the provider of your other account cannot be reached".into(),
            Self::OnlyWayIn => "without this you could not sign in any more".into(),
            Self::DiskFull(_) => "the portal's disk is full".into(),
            Self::Internal(_) => "the portal met an error of its own".into(),
        }
    }

    fn help(&self) -> Option<String> {
        let text = match self {
            Self::NotLoggedIn => "log in",
            Self::WrongLogin => "check both; after several attempts, wait a minute",
            Self::StepUpNeeded => "confirm that it is you, then do it again within five minutes",
            Self::PasskeyNeeded => "use your passkey, or add one if you have none",
            Self::PasskeyRefused | Self::PasskeyCopied => "try again, with a passkey that was added here",
            Self::NotAllowed => "ask an administrator of the project for the role",
            Self::CrossSite => "open the portal itself and do it there",
            Self::WeakPassword(_) => "take a longer one, such as four words that have nothing to do with you",
            Self::TooSlow => "try again, over a faster connection if it stays",
            Self::TooOften => "wait a minute, then try again",
            Self::ChangedMeanwhile => "load the page again and look at what changed",
            Self::OwnRequest => "another approver has to",
            Self::WrongSignature => "load the page again and sign what it shows then",
            Self::KeyUnknown => "enrol the key on the key page first",
            Self::LastAdministrator => "make somebody else administrator first",
            Self::NoPolicy => "an administrator chooses the approvers first",
            Self::QuotaReached(_) => "finish or remove some first, or ask whoever runs the portal",
            Self::UploadIncomplete => "send the missing parts, then try again",
            Self::NotOffered(_) => "ask whoever runs the portal",
            Self::Refused(refusal) => refusal.remedy(),
            Self::Server(answer) => return answer.remedy.clone(),
            Self::Unreachable { .. } => "try again; tell whoever runs that server",
            Self::OidcUnreachable => "try again later, or use your password if you have one",
            Self::OnlyWayIn => "it stays until there is another way to sign in",
            Self::DiskFull(_) => "tell whoever runs the portal; what was there before is not lost",
            Self::Internal(_) => "try again; if it stays, tell whoever runs the portal the id",
            Self::NoSuchThing(_) | Self::InvalidInput(_) | Self::ContentType(_) | Self::TooLong(_) => {
                return None;
            }
            Self::NotNow(_) | Self::Taken(_) => return None,
        };
        Some(text.to_owned())
    }

    fn server(&self) -> Option<u8> {
        match self {
            Self::Server(answer) => answer.node,
            Self::Unreachable { server, .. } => Some(*server),
            _ => None,
        }
    }

    fn problem(&self, id: String) -> Problem {
        let (message, help, server) = (self.message(), self.help(), self.server());
        Problem { code: self.code().to_owned(), message, help, id, server }
    }
}

/// Goes along with an answer that is an error, to the log.
#[derive(Clone, Debug)]
pub struct Refused {
    pub id: String,
    pub code: String,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let id = fresh_id().unwrap_or_else(|_| "none".to_owned());
        match &self {
            Self::Internal(what) => tracing::error!(id, what = ?what, "an error of the portal's own"),
            Self::DiskFull(what) => tracing::error!(id, what = ?what, "the disk is full"),
            _ => {}
        }
        let refused = Refused { id: id.clone(), code: self.code().to_owned() };
        let mut answer = (self.status(), Json(self.problem(id))).into_response();
        answer.extensions_mut().insert(refused);
        answer
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|refused| refused.code());
        match code.is_some_and(|code| NO_ROOM.contains(&&*code)) {
            true => Self::DiskFull(format!("database: {error}")),
            false => Self::internal("database", &error),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
