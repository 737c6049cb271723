//! `vdl keygen SK PK`: a new Ed25519 key pair.

use std::fs;
use std::path::PathBuf;

use vdl_authorize::SigningKey;

use crate::failure::Failure;
use crate::files;

#[derive(clap::Args)]
pub struct Args {
    /// Where the signing key goes; keep it secret (created with mode 0600)
    #[arg(value_name = "SK")]
    signing_key: PathBuf,
    /// Where the verification key goes; it may be given to anybody
    #[arg(value_name = "PK")]
    verification_key: PathBuf,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    if args.verification_key.exists() {
        return Err(Failure::of_file(&args.verification_key, "the file exists and is not overwritten")
            .remedy("choose another name, or move the file away first"));
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Failure::new(format!("no randomness: {error}")))?;
    let key = SigningKey::from_seed(seed);
    let public = key.verifying_key();
    let secret_pem = key.write_pem().map_err(Failure::new)?;
    let public_pem = public.write_pem().map_err(Failure::new)?;

    files::create(&args.signing_key, secret_pem.as_bytes(), 0o600)?;
    if let Err(failure) = files::create(&args.verification_key, public_pem.as_bytes(), 0o644) {
        // Half a pair is of no use to anybody.
        let _ = fs::remove_file(&args.signing_key);
        return Err(failure);
    }
    println!("signing key       {}  (keep it secret)", args.signing_key.display());
    println!("verification key  {}  (give it to those who must know you)", args.verification_key.display());
    println!("fingerprint       {}", public.fingerprint());
    Ok(())
}
