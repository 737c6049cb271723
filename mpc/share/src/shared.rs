//! One party's two components of a secret.

/// Party `i` holds component `i` in `own` and component `i + 1` (mod 3) in `next`.
#[derive(Clone, PartialEq, Eq)]
pub struct Shared<T> {
    pub own: T,
    pub next: T,
}

impl<T> std::fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared(..)")
    }
}
