//! When to stop.

use std::io::{self, Read};
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Notified once the process is told to stop: by SIGTERM, SIGINT or, if asked for, by the end of its standard
/// input, which is how it notices that whoever started it is gone. From here on these signals do not kill it.
/// Must be called within a runtime.
pub fn told_to_stop(at_end_of_input: bool) -> io::Result<Arc<Notify>> {
    let told = Arc::new(Notify::new());
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let told = told.clone();
        tokio::spawn(async move {
            signals.recv().await;
            told.notify_one();
        });
    }
    if at_end_of_input {
        let told = told.clone();
        let watch = move || {
            let mut input = io::stdin().lock();
            while matches!(input.read(&mut [0; 64]), Ok(1..)) {}
            told.notify_one();
        };
        // A thread of its own: nothing else ends a read of the standard input.
        std::thread::Builder::new().name("vdl-input".into()).spawn(watch)?;
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_signal_stops_in_order_and_does_not_kill() {
        for signal in ["-TERM", "-INT"] {
            let told = told_to_stop(false).unwrap();
            let sent = Command::new("kill").args([signal, &std::process::id().to_string()]).status();
            assert!(sent.unwrap().success());
            tokio::time::timeout(Duration::from_secs(20), told.notified()).await.unwrap();
        }
    }
}
