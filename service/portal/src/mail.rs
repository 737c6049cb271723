//! Mail that says that there is something in the inbox, and not what.

use std::collections::HashMap;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::config::{Encryption, Mail};
use crate::error::{Fault, PortalError};
use crate::ids::now;
use crate::inbox::of_account;
use crate::server::Shared;

/// Seconds until another attempt at a mailbox that took no mail: doubled each time, and at most.
const PAUSE: i64 = 120;
const LONGEST_PAUSE: i64 = 3600;
/// After its server said that no later attempt ends otherwise.
const GIVEN_UP: i64 = 24 * 3600;

pub struct Mailer {
    /// Users whose mailbox took no mail: how often in a row, and when it is tried again.
    troubles: HashMap<String, (u32, i64)>,
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
        Ok(Self { troubles: HashMap::new(), transport: builder.build(), from, origin: origin.to_owned() })
    }

    /// One mail for each user with news, now and again.
    pub async fn run(mut self, portal: Shared, every: Duration) {
        loop {
            if let Err(fault) = self.send_due(&portal).await {
                tracing::warn!(?fault, "mail was not sent");
            }
            tokio::time::sleep(every).await;
        }
    }

    /// To everybody with news. A mailbox that takes none holds up nobody else's.
    pub async fn send_due(&mut self, portal: &Shared) -> Result<(), Fault> {
        let mut tx = portal.db.begin().await?;
        let due: Vec<(String, String, String)> = sqlx::query_as(concat!(
            "SELECT DISTINCT users.id, users.email, users.locale FROM notices
             JOIN users ON users.id = notices.user_id
             WHERE notices.mailed IS NULL AND (notices.seen IS NULL AND EXISTS (SELECT 1 FROM members
                   WHERE members.project_id = notices.project_id AND members.user_id = users.id) OR ",
            of_account!(),
            ") ORDER BY users.id",
        ))
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let until = now();
        self.troubles.retain(|user, _| due.iter().any(|(due, ..)| due == user));
        // Whoever ended a round comes after everybody who did not.
        let mut due = due;
        due.sort_by_key(|(user, ..)| self.troubles.get(user).map_or(0, |(_, next)| *next));
        for (user, email, locale) in due {
            if self.troubles.get(&user).is_some_and(|(_, next)| *next > until) {
                continue;
            }
            match self.send(&email, &locale).await {
                Ok(()) => self.note(portal, &user, until).await?,
                Err(trouble) => self.wait(&user, until, &trouble)?,
            }
        }
        Ok(())
    }

    async fn send(&self, email: &str, locale: &str) -> Result<(), Trouble> {
        let message = self.message(email, locale).map_err(Trouble::Address)?;
        self.transport.send(message).await.map(drop).map_err(|error| match error {
            // Not every mail server takes letters beyond ASCII.
            error if error.is_client() && !email.is_ascii() => {
                Trouble::Address(Fault::internal("mail", &error))
            }
            error => Trouble::Server(error),
        })
    }

    async fn note(&mut self, portal: &Shared, user: &str, until: i64) -> Result<(), Fault> {
        self.troubles.remove(user);
        let mut tx = portal.db.begin().await?;
        sqlx::query("UPDATE notices SET mailed = $1 WHERE user_id = $2 AND mailed IS NULL AND created <= $3")
            .bind(now())
            .bind(user)
            .bind(until)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// `Err` where the mail server itself cannot be used: then there is no point in trying the next one. It
    /// may have been this mailbox all the same, so the next round begins with others.
    fn wait(&mut self, user: &str, now: i64, trouble: &Trouble) -> Result<(), Fault> {
        let (times, _) = self.troubles.get(user).copied().unwrap_or_default();
        let pause = match trouble {
            Trouble::Address(_) => GIVEN_UP,
            Trouble::Server(error) if error.is_permanent() => GIVEN_UP,
            Trouble::Server(error) if error.is_transient() => LONGEST_PAUSE.min(PAUSE << times.min(10)),
            Trouble::Server(error) => {
                self.troubles.insert(user.to_owned(), (times, now + PAUSE));
                return Err(Fault::internal("mail", error));
            }
        };
        match trouble {
            Trouble::Address(fault) => tracing::warn!(user, ?fault, "no address for mail"),
            Trouble::Server(error) => tracing::warn!(user, ?error, "a mailbox took no mail"),
        }
        self.troubles.insert(user.to_owned(), (times.saturating_add(1), now + pause));
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

/// Why somebody got no mail.
enum Trouble {
    /// What is written down for them is no address, or none for this mail server.
    Address(Fault),
    Server(lettre::transport::smtp::Error),
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
