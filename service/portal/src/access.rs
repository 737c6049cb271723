//! Who may do what: one table of all routes. What does not stand here is refused; the test of all roles
//! against all routes is made from it, and so is what the OpenAPI file says about roles.

use axum::http::Method;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody is in a project; one person may be several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Provider,
    Analyst,
    Approver,
    Administrator,
    Auditor,
}

impl Role {
    pub const ALL: [Self; 5] =
        [Self::Provider, Self::Analyst, Self::Approver, Self::Administrator, Self::Auditor];

    pub fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Analyst => "analyst",
            Self::Approver => "approver",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }

    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// Who may come in.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    /// Nobody has to be logged in.
    Anyone,
    /// Whoever is logged in.
    User,
    /// One of these roles in the project that the address leads to.
    Roles(&'static [Role]),
}

/// How the address leads to a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    None,
    /// By its own id.
    Project,
    /// By the id of something in it.
    Request,
    Table,
    Upload,
}

/// The body a route takes, and how long it may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    Json(usize),
    Octets(usize),
}

#[derive(Clone, Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub who: Who,
    pub scope: Scope,
    /// Whether the password must have been entered, or a passkey shown, within the last five minutes.
    pub fresh: bool,
    /// Whether it adds the first passkey of an account that nothing else opens, just after signing in at a
    /// provider that does not say when its people showed who they are.
    pub first: bool,
    /// Whether it is there for a session that still waits for a passkey.
    pub early: bool,
    pub takes: Takes,
    /// Whether another site may send browsers here, as the OpenID provider does; the origin is then not
    /// checked.
    pub beyond: bool,
}

const ALL: &[Role] = &Role::ALL;
const PROVIDERS: &[Role] = &[Role::Provider];
const SUBMITTERS: &[Role] = &[Role::Provider, Role::Analyst];
const APPROVERS: &[Role] = &[Role::Approver];
const ADMINISTRATORS: &[Role] = &[Role::Administrator];
const AUDITORS: &[Role] = &[Role::Administrator, Role::Auditor];

/// A form with a few fields.
pub const SHORT: Takes = Takes::Json(64 << 10);
/// One with a script in it, and what it gave on dummy data.
pub const SCRIPT: Takes = Takes::Json(3 << 20);
/// A piece of an upload.
pub const LARGEST_CHUNK: usize = 4 << 20;
/// A sealed request other than an upload.
pub const LARGEST_PARCEL: usize = 17 << 20;

impl Route {
    fn new(method: Method, path: &'static str, who: Who, scope: Scope, takes: Takes) -> Self {
        Self { method, path, who, scope, fresh: false, first: false, early: false, takes, beyond: false }
    }

    /// Only shortly after the password was entered or a passkey shown.
    fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// The same, unless it is the first passkey.
    fn fresh_or_first(mut self) -> Self {
        self.first = true;
        self.fresh()
    }

    /// Also after a password alone, where that is not enough.
    fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// Reached from another site. Its handler finds out whether this browser was sent there.
    fn beyond(mut self) -> Self {
        self.beyond = true;
        self
    }
}

/// All of them.
pub fn routes() -> Vec<Route> {
    [account(), passkeys(), elsewhere(), project(), data(), requests()].concat()
}

fn account() -> Vec<Route> {
    use Takes::Nothing;
    let open = |method, path, takes| Route::new(method, path, Who::Anyone, Scope::None, takes);
    let user = |method, path, takes| Route::new(method, path, Who::User, Scope::None, takes);
    vec![
        open(Method::GET, "/healthz", Nothing),
        open(Method::GET, "/api/openapi.json", Nothing),
        open(Method::POST, "/api/login", SHORT),
        open(Method::GET, "/api/invitations/{token}", Nothing),
        open(Method::POST, "/api/invitations/{token}", SHORT),
        user(Method::DELETE, "/api/session", Nothing).early(),
        user(Method::GET, "/api/me", Nothing).early(),
        user(Method::PATCH, "/api/me", SHORT),
        user(Method::POST, "/api/password", SHORT),
        user(Method::POST, "/api/fresh", SHORT).early(),
        user(Method::GET, "/api/sessions", Nothing),
        user(Method::DELETE, "/api/sessions/{id}", Nothing),
        user(Method::GET, "/api/keys", Nothing),
        user(Method::GET, "/api/keys/challenge", Nothing),
        user(Method::POST, "/api/keys", SHORT).fresh(),
        user(Method::POST, "/api/keys/{id}/retire", Nothing).fresh(),
        user(Method::GET, "/api/inbox", Nothing),
        user(Method::POST, "/api/inbox/read", Nothing),
        user(Method::POST, "/api/inbox/{id}/read", Nothing),
    ]
}

fn passkeys() -> Vec<Route> {
    use Takes::Nothing;
    let open = |method, path, takes| Route::new(method, path, Who::Anyone, Scope::None, takes);
    let user = |method, path, takes| Route::new(method, path, Who::User, Scope::None, takes);
    let reset = "/api/projects/{project}/members/{user}/passkeys";
    vec![
        open(Method::POST, "/api/login/passkey/start", Nothing),
        open(Method::POST, "/api/login/passkey/finish", SHORT),
        user(Method::POST, "/api/fresh/passkey/start", Nothing).early(),
        user(Method::POST, "/api/fresh/passkey/finish", SHORT).early(),
        user(Method::GET, "/api/passkeys", Nothing),
        user(Method::POST, "/api/passkeys/start", Nothing).fresh_or_first().early(),
        user(Method::POST, "/api/passkeys/finish", SHORT).fresh_or_first().early(),
        user(Method::PUT, "/api/passkeys/needed", SHORT).fresh(),
        user(Method::DELETE, "/api/passkeys/{id}", Nothing).fresh(),
        Route::new(Method::DELETE, reset, Who::Roles(ADMINISTRATORS), Scope::Project, Nothing).fresh(),
    ]
}

/// Signing in at an OpenID provider.
fn elsewhere() -> Vec<Route> {
    use Takes::Nothing;
    let open = |method, path, takes| Route::new(method, path, Who::Anyone, Scope::None, takes);
    let user = |method, path| Route::new(method, path, Who::User, Scope::None, Nothing);
    vec![
        open(Method::GET, "/api/oidc", Nothing),
        open(Method::GET, "/auth/oidc/start", Nothing),
        open(Method::GET, "/auth/oidc/callback", Nothing).beyond(),
        open(Method::POST, "/api/invitations/{token}/oidc", SHORT),
        user(Method::GET, "/auth/oidc/again").early(),
        user(Method::GET, "/api/identities").early(),
        user(Method::POST, "/api/identities").fresh(),
        user(Method::DELETE, "/api/identities/{id}").fresh(),
    ]
}

fn project() -> Vec<Route> {
    use Takes::Nothing;
    let of = |method, path, roles, takes| Route::new(method, path, Who::Roles(roles), Scope::Project, takes);
    vec![
        of(Method::GET, "/api/projects/{project}", ALL, Nothing),
        of(Method::PUT, "/api/projects/{project}/members/{user}", ADMINISTRATORS, SHORT).fresh(),
        of(Method::DELETE, "/api/projects/{project}/members/{user}/sessions", ADMINISTRATORS, Nothing)
            .fresh(),
        of(Method::GET, "/api/projects/{project}/invitations", ADMINISTRATORS, Nothing),
        of(Method::POST, "/api/projects/{project}/invitations", ADMINISTRATORS, SHORT).fresh(),
        of(Method::DELETE, "/api/projects/{project}/invitations/{id}", ADMINISTRATORS, Nothing),
        of(Method::GET, "/api/projects/{project}/policy", ALL, Nothing),
        of(Method::POST, "/api/projects/{project}/policy", ADMINISTRATORS, SHORT).fresh(),
        of(Method::POST, "/api/projects/{project}/policy/signatures", ALL, SHORT).fresh(),
        of(Method::GET, "/api/projects/{project}/policy/{version}/file", ALL, Nothing),
        of(Method::GET, "/api/projects/{project}/rules", ALL, Nothing),
        of(Method::GET, "/api/projects/{project}/revocations", ALL, Nothing),
        of(Method::POST, "/api/projects/{project}/revocations", APPROVERS, SHORT).fresh(),
        of(Method::GET, "/api/projects/{project}/journal", AUDITORS, Nothing),
        of(Method::GET, "/api/projects/{project}/journal/export", AUDITORS, Nothing),
        of(Method::GET, "/api/projects/{project}/journal/accounts", AUDITORS, Nothing),
        of(Method::GET, "/api/projects/{project}/audit/{server}", AUDITORS, Nothing),
    ]
}

fn data() -> Vec<Route> {
    use Takes::Nothing;
    let of = |method, path, roles, scope, takes| Route::new(method, path, Who::Roles(roles), scope, takes);
    let (parcel, chunk) = (Takes::Octets(LARGEST_PARCEL), Takes::Octets(LARGEST_CHUNK));
    let upload = |method, path, takes| of(method, path, PROVIDERS, Scope::Upload, takes);
    vec![
        of(Method::GET, "/api/projects/{project}/tables", ALL, Scope::Project, Nothing),
        of(Method::POST, "/api/projects/{project}/tables", PROVIDERS, Scope::Project, SHORT),
        of(Method::PATCH, "/api/tables/{handle}", PROVIDERS, Scope::Table, SHORT),
        of(Method::DELETE, "/api/tables/{handle}", PROVIDERS, Scope::Table, Nothing),
        of(Method::POST, "/api/projects/{project}/uploads", PROVIDERS, Scope::Project, SHORT),
        upload(Method::GET, "/api/uploads/{upload}", Nothing),
        upload(Method::PUT, "/api/uploads/{upload}/{server}/{chunk}", chunk),
        upload(Method::POST, "/api/uploads/{upload}/send", Nothing),
        upload(Method::DELETE, "/api/uploads/{upload}", Nothing),
        of(Method::POST, "/api/projects/{project}/relay/{server}", ALL, Scope::Project, parcel),
    ]
}

fn requests() -> Vec<Route> {
    use Takes::Nothing;
    let of = |method, path, roles, takes| Route::new(method, path, Who::Roles(roles), Scope::Request, takes);
    let in_project = |method, roles, takes| {
        Route::new(method, "/api/projects/{project}/requests", Who::Roles(roles), Scope::Project, takes)
    };
    vec![
        in_project(Method::GET, ALL, Nothing),
        in_project(Method::POST, SUBMITTERS, SCRIPT),
        of(Method::GET, "/api/requests/{request}", ALL, Nothing),
        of(Method::POST, "/api/requests/{request}/versions", SUBMITTERS, SCRIPT),
        of(Method::GET, "/api/requests/{request}/versions/{version}", ALL, Nothing),
        of(Method::POST, "/api/requests/{request}/comments", ALL, SHORT),
        of(Method::POST, "/api/requests/{request}/signatures", APPROVERS, SHORT).fresh(),
        of(Method::POST, "/api/requests/{request}/verdict", APPROVERS, SHORT),
        of(Method::POST, "/api/requests/{request}/withdraw", SUBMITTERS, Nothing),
        of(Method::POST, "/api/requests/{request}/revoke", APPROVERS, SHORT).fresh(),
        of(Method::GET, "/api/requests/{request}/approved", ALL, Nothing),
        of(Method::GET, "/api/requests/{request}/revocation", ALL, Nothing),
        of(Method::GET, "/api/requests/{request}/runs", ALL, Nothing),
    ]
}
