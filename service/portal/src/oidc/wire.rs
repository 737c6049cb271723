//! Calls to the provider: HTTPS with the certificates that this machine trusts, short, small, and nowhere
//! else than they were sent.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::Semaphore;

/// Of an answer; the greatest are lists of keys with certificates in them.
const LONGEST: usize = 1 << 20;
/// Calls on their way at a time, of everybody.
const AT_ONCE: usize = 16;
/// From the first packet to the last octet of the answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no answer. For the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

impl NoAnswer {
    fn new(error: &dyn std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

pub struct Wire {
    /// How many calls are on their way at a time.
    turns: Semaphore,
    client: reqwest::Client,
    /// The issuer is on this machine and speaks HTTP.
    local: bool,
}

impl Wire {
    /// For an issuer that the configuration let pass.
    pub fn new(issuer: &str, patience: Duration) -> Result<Self, NoAnswer> {
        let local = issuer.starts_with("http://");
        let tls =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(|builder| builder.with_platform_verifier())
                .map_err(|error| NoAnswer::new(&error))?
                .with_no_client_auth();
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(!local)
            .redirect(redirect::Policy::none())
            .connect_timeout(patience)
            .timeout(patience);
        if local {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| NoAnswer::new(&error))?;
        Ok(Self { turns: Semaphore::new(AT_ONCE), client, local })
    }

    /// Whether something may be sent there: to HTTPS, or where the issuer itself is on this machine, to it.
    pub fn may_reach(&self, address: &str) -> bool {
        address.starts_with("https://")
            || (self.local
                && ["http://localhost", "http://127.0.0.1"].iter().any(|start| {
                    address.strip_prefix(start).is_some_and(|rest| rest.starts_with([':', '/']))
                        && !address.contains('@')
                }))
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let (parts, body) = request.into_parts();
        let address = parts.uri.to_string();
        if !self.may_reach(&address) {
            return Err(NoAnswer(format!("the provider names {address:?}, which is not https://")));
        }
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| NoAnswer("too many others wait for it".into()))?;
        let request = self.client.request(parts.method, address).headers(parts.headers).body(body);
        let mut answer = request.send().await.map_err(|error| NoAnswer::new(&innermost(&error)))?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| NoAnswer::new(&innermost(&error)))? {
            if body.len() + piece.len() > LONGEST {
                return Err(NoAnswer(format!("an answer of more than {LONGEST} octets")));
            }
            body.extend_from_slice(&piece);
        }
        let mut told = HttpResponse::new(body);
        *told.status_mut() = answer.status();
        *told.headers_mut() = answer.headers().clone();
        Ok(told)
    }
}

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.fetch(request))
    }
}

fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_openly_to_another_machine() {
        let wire = |issuer| Wire::new(issuer, PATIENCE).unwrap();
        let (remote, local) = (wire("https://login.example"), wire("http://127.0.0.1:8080"));
        assert!(remote.may_reach("https://keys.example/jwks") && local.may_reach("http://127.0.0.1:1/token"));
        assert!(!remote.may_reach("http://127.0.0.1:1/token"));
        for attack in [
            "http://login.example/token",
            "http://127.0.0.1.example/token",
            "http://localhost:1@login.example/",
            "file:///etc/passwd",
            "HTTP://127.0.0.1:1/",
        ] {
            assert!(!remote.may_reach(attack) && !local.may_reach(attack), "{attack}");
        }
    }

    fn get(address: String) -> HttpRequest {
        let mut request = HttpRequest::new(Vec::new());
        *request.uri_mut() = address.parse().unwrap();
        request
    }

    /// A provider that answers one call with this text and then stays on the line.
    async fn answering(text: String) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            let _ = stream.write_all(text.as_bytes()).await;
            std::future::pending::<()>().await;
        });
        format!("http://{address}/")
    }

    #[tokio::test]
    async fn a_provider_that_never_ends_its_answer_is_not_waited_for() {
        let issuer = answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".into()).await;
        let wire = Wire::new(&issuer, Duration::from_millis(300)).unwrap();
        let refused = wire.fetch(get(issuer)).await.unwrap_err();
        assert!(refused.to_string().contains("time"), "{refused}");
    }

    #[tokio::test]
    async fn an_answer_without_an_end_fills_no_memory() {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n".to_owned();
        let issuer = answering(head + &"x".repeat(LONGEST + 1)).await;
        let wire = Wire::new(&issuer, PATIENCE).unwrap();
        assert!(wire.fetch(get(issuer)).await.unwrap_err().to_string().contains("octets"));
    }

    #[tokio::test]
    async fn a_provider_sends_the_portal_nowhere_else() {
        let issuer = answering(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".into(),
        );
        let issuer = issuer.await;
        let wire = Wire::new(&issuer, PATIENCE).unwrap();
        assert_eq!(wire.fetch(get(issuer)).await.unwrap().status(), 302);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_certificate_that_nobody_vouches_for_is_refused() {
        let part = crate::tests::stand_in(0, &crate::tests::StandIns::default());
        let issuer = part.split('"').nth(1).unwrap().to_owned();
        let wire = Wire::new(&issuer, PATIENCE).unwrap();
        let refused = wire.fetch(get(format!("{issuer}/"))).await.unwrap_err();
        assert!(refused.to_string().to_lowercase().contains("certificate"), "{refused}");
    }
}
