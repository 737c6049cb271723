//! Mail that says that there is something in the inbox, and not what.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::config::{Encryption, Mail};
use crate::error::{Fault, PortalError};
use crate::ids::now;
use crate::server::Shared;

pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    origin: String,
}

impl Mailer {
    pub fn new(mail: &Mail, origin: &str) -> Result<Self, PortalError> {
        let unusable = |error: &dyn std::fmt::Display| PortalError::Config(format!("[mail]: {error}"));
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let mut builder = match mail.encryption {
            Encryption::Tls => Transport::relay(&mail.server).map_err(|error| unusable(&error))?,
            Encryption::Starttls => {
                Transport::starttls_relay(&mail.server).map_err(|error| unusable(&error))?
            }
            Encryption::Loopback if matches!(mail.server.as_str(), "localhost" | "127.0.0.1" | "::1") => {
                Transport::builder_dangerous(&mail.server)
            }
            Encryption::Loopback => {
                return Err(unusable(&"encryption = \"loopback\" is for a mail server on this machine"));
            }
        };
        builder = builder.port(mail.port);
        if let (Some(user), Some(password)) = (&mail.user, &mail.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.0.clone()));
        }
        let from = mail.from.parse::<Mailbox>().map_err(|error| unusable(&error))?;
        Ok(Self { transport: builder.build(), from, origin: origin.to_owned() })
    }

    /// One mail for each user with news, now and again.
    pub async fn run(self, portal: Shared, every: Duration) {
        loop {
            if let Err(fault) = self.send_due(&portal).await {
                tracing::warn!(?fault, "mail was not sent");
            }
            tokio::time::sleep(every).await;
        }
    }

    async fn send_due(&self, portal: &Shared) -> Result<(), Fault> {
        let mut tx = portal.db.begin().await?;
        let due: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT DISTINCT users.id, users.email, users.locale FROM notices
             JOIN users ON users.id = notices.user_id
             WHERE notices.mailed IS NULL AND notices.seen IS NULL ORDER BY users.id",
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let until = now();
        for (user, email, locale) in due {
            let message = self.message(&email, &locale)?;
            self.transport.send(message).await.map_err(|error| Fault::internal("mail", &error))?;
            let mut tx = portal.db.begin().await?;
            sqlx::query(
                "UPDATE notices SET mailed = $1 WHERE user_id = $2 AND mailed IS NULL AND created <= $3",
            )
            .bind(now())
            .bind(&user)
            .bind(until)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
        }
        Ok(())
    }

    fn message(&self, email: &str, locale: &str) -> Result<Message, Fault> {
        let failed = |error: &dyn std::fmt::Display| Fault::internal("mail", error);
        let (subject, text) = words(locale, &self.origin);
        Message::builder()
            .from(self.from.clone())
            .to(email.parse::<Mailbox>().map_err(|error| failed(&error))?)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| failed(&error))
    }
}

/// The same for everybody and everything: mail is read along.
fn words(locale: &str, origin: &str) -> (&'static str, String) {
    let inbox = format!("{origin}/#/inbox");
    match locale {
        "nl" => (
            "Er is nieuws voor u in het portaal",
            format!("Er is nieuws voor u in het portaal:\n\n{inbox}\n\nWat het is, staat alleen daar.\n"),
        ),
        _ => (
            "There is news for you in the portal",
            format!("There is news for you in the portal:\n\n{inbox}\n\nWhat it is stands there only.\n"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_says_where_to_look_and_nothing_else() {
        for locale in ["en", "nl"] {
            let (_, text) = words(locale, "https://portal.example");
            assert!(text.contains("https://portal.example/#/inbox"));
            assert!(!text.contains("{"));
        }
    }

    #[test]
    fn mail_goes_out_openly_to_this_machine_only() {
        let mut mail = Mail {
            server: "mail.example.org".into(),
            port: 25,
            encryption: Encryption::Loopback,
            from: "portal@example.org".into(),
            user: None,
            password: None,
        };
        assert!(Mailer::new(&mail, "https://portal.example").is_err());
        mail.server = "localhost".into();
        Mailer::new(&mail, "https://portal.example").unwrap();
    }
}
