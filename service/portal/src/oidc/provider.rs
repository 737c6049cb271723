//! The provider: where it is, the address a browser is sent to, and what is believed of what comes back.

use std::borrow::Cow;
use std::path::Path;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreGrantType, CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKey, CoreJsonWebKeySet,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::trouble::{Trouble, with_causes};
use super::wire::{PATIENCE, Wire};
use crate::config::Oidc;
use crate::error::PortalError;
use crate::ids::now;

/// What an identity may be signed with. Nothing that needs no key, and nothing with a secret the portal has.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 4] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// Seconds by which the provider's clock may be off.
const SKEW: i64 = 30;
/// How long it is remembered where the provider's doors are. Its keys are asked for each time.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How long it is remembered that it could not be reached.
const PAUSE: Duration = Duration::from_secs(10);
const LONGEST_SUBJECT: usize = 255;

/// Whether the provider says who it is when it sends a browser back (RFC 9207).
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Further {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Further {}

type Metadata = ProviderMetadata<
    Further,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Somebody whom the provider knows.
#[derive(Clone, Debug)]
pub struct Proven {
    pub issuer: String,
    pub subject: String,
    /// When they last showed the provider that it is them, if it says.
    pub shown: Option<i64>,
}

/// What one browser's way to the provider and back is recognised by.
pub struct Marks {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

pub struct Provider {
    /// What stands on the button.
    pub name: String,
    pub issuer: String,
    client_id: String,
    secret: ClientSecret,
    wire: Wire,
    address: IssuerUrl,
    redirect: RedirectUrl,
    /// What it last said of itself, or why it did not.
    known: Mutex<Option<(Instant, Result<Metadata, String>)>>,
}

impl Provider {
    /// Reads the secret; the provider itself is not asked for anything before somebody signs in.
    pub fn open(config: &Oidc, origin: &str) -> Result<Self, PortalError> {
        let unusable = |what: &dyn std::fmt::Display| PortalError::Config(format!("[oidc]: {what}"));
        let secret = read_secret(&config.client_secret_file)?;
        let redirect = RedirectUrl::new(format!("{origin}/auth/oidc/callback"));
        Ok(Self {
            name: config.name.clone(),
            issuer: config.issuer.clone(),
            client_id: config.client_id.clone(),
            secret: ClientSecret::new(secret),
            wire: Wire::new(&config.issuer, PATIENCE).map_err(|error| unusable(&error))?,
            address: IssuerUrl::new(config.issuer.clone()).map_err(|error| unusable(&error))?,
            redirect: redirect.map_err(|error| unusable(&error))?,
            known: Mutex::new(None),
        })
    }

    /// Asked for by one at a time, for whom all others wait.
    async fn metadata(&self) -> Result<Metadata, Trouble> {
        let mut known = self.known.lock().await;
        let told = match known.take() {
            Some((since, told)) if since.elapsed() < if told.is_ok() { REMEMBERED } else { PAUSE } => {
                (since, told)
            }
            _ => (Instant::now(), self.discover().await),
        };
        known.insert(told).1.clone().map_err(Trouble::Unreachable)
    }

    async fn discover(&self) -> Result<Metadata, String> {
        // Also compares the issuer that the provider says it is with the one of the configuration.
        let found = Metadata::discover_async(self.address.clone(), &self.wire);
        let found = found.await.map_err(|error| with_causes(&error))?;
        let doors =
            [Some(found.authorization_endpoint().as_str()), found.token_endpoint().map(|url| url.as_str())];
        if doors.iter().any(|door| !door.is_some_and(|door| self.wire.may_reach(door))) {
            return Err("it names endpoints that are not https://, or no token endpoint".into());
        }
        let silent = |claims: &Vec<CoreClaimName>| !claims.iter().any(|claim| **claim == "auth_time");
        if found.claims_supported().is_some_and(silent) {
            tracing::warn!(
                "the provider names no claim auth_time: people may not be able to confirm with it"
            );
        }
        Ok(found)
    }

    /// As after a while.
    #[cfg(test)]
    pub async fn forget(&self) {
        *self.known.lock().await = None;
    }

    /// Where the browser goes. `anew`: the person is to show the provider once more that it is them.
    pub async fn address(&self, marks: &Marks, anew: bool) -> Result<String, Trouble> {
        let metadata = self.metadata().await?;
        let (state, nonce) = (marks.state.clone(), marks.nonce.clone());
        let client =
            CoreClient::from_provider_metadata(metadata, ClientId::new(self.client_id.clone()), None);
        let verifier = PkceCodeVerifier::new(marks.verifier.clone());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_redirect_uri(Cow::Borrowed(&self.redirect))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if anew {
            request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
        Ok(request.url().0.to_string())
    }

    /// Whether the answer is this provider's, as far as its address says (RFC 9207).
    pub async fn check_sender(&self, issuer: Option<&str>) -> Result<(), Trouble> {
        let says = self.metadata().await?;
        match issuer {
            Some(issuer) if issuer == self.issuer => Ok(()),
            None if !says.additional_metadata().authorization_response_iss_parameter_supported => Ok(()),
            _ => Err(Trouble::Doubtful("the answer is of another issuer".into())),
        }
    }

    /// Gives the code to the provider and takes who it is. `since` is when the browser was sent there.
    pub async fn redeem(&self, code: String, marks: &Marks, since: i64) -> Result<Proven, Trouble> {
        let metadata = self.metadata().await?;
        let keys = metadata.jwks_uri().clone();
        let auth_type = auth_type(&metadata);
        let (id, secret) = (ClientId::new(self.client_id.clone()), self.secret.clone());
        let client =
            CoreClient::from_provider_metadata(metadata, id.clone(), Some(secret)).set_auth_type(auth_type);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| Trouble::unreachable(&error))?
            .set_redirect_uri(Cow::Borrowed(&self.redirect))
            .set_pkce_verifier(PkceCodeVerifier::new(marks.verifier.clone()));
        let answer = request.request_async(&self.wire).await;
        let answer = answer.map_err(|error| Trouble::of_token_endpoint(&error))?;
        let token = answer.id_token().ok_or_else(|| Trouble::Doubtful("no id token".into()))?;
        // Each time anew: a key that the provider took back is refused at once, and a new one known.
        let keys = CoreJsonWebKeySet::fetch_async(&keys, &self.wire).await;
        let keys = keys.map_err(|error| Trouble::unreachable(&error))?;
        let verifier = CoreIdTokenVerifier::new_public_client(id, self.address.clone(), keys);
        self.believe(token, verifier, &Nonce::new(marks.nonce.clone()), since)
    }

    /// Signature, issuer, audience, times and nonce.
    fn believe(
        &self,
        token: &CoreIdToken,
        verifier: CoreIdTokenVerifier<'_>,
        nonce: &Nonce,
        since: i64,
    ) -> Result<Proven, Trouble> {
        let verifier = verifier.set_allowed_algs(ALGORITHMS).set_issue_time_verifier_fn(move |issued| {
            match issued.timestamp() {
                issued if issued > now() + SKEW => Err("issued in the future".into()),
                issued if issued < since - SKEW => Err("issued before it was asked for".into()),
                _ => Ok(()),
            }
        });
        let claims = token.claims(&verifier, nonce).map_err(|error| Trouble::doubtful(&error))?;
        let meant = claims.authorized_party().is_none_or(|party| party.as_str() == self.client_id);
        if !meant {
            return Err(Trouble::Doubtful("issued to another client".into()));
        }
        let subject = claims.subject().as_str();
        if subject.is_empty() || subject.len() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
            return Err(Trouble::Doubtful("a subject of no use".into()));
        }
        let shown = claims.auth_time().map(|time| time.timestamp()).filter(|time| *time <= now() + SKEW);
        Ok(Proven { issuer: self.issuer.clone(), subject: subject.to_owned(), shown })
    }
}

impl Proven {
    /// Whether they showed the provider that it is them after they were sent there at `since`.
    pub fn is_shown_since(&self, since: i64) -> bool {
        self.shown.is_some_and(|shown| shown >= since - SKEW)
    }
}

/// How the provider wants to be shown the secret. Where it does not say, it takes the first way.
fn auth_type(metadata: &Metadata) -> AuthType {
    match metadata.token_endpoint_auth_methods_supported() {
        Some(methods) if !methods.contains(&CoreClientAuthMethod::ClientSecretBasic) => AuthType::RequestBody,
        _ => AuthType::BasicAuth,
    }
}

fn read_secret(path: &Path) -> Result<String, PortalError> {
    let unusable = |what: &dyn std::fmt::Display| PortalError::Config(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
    match text.trim() {
        "" => Err(unusable(&"the provider's client secret belongs here")),
        secret => Ok(secret.to_owned()),
    }
}
