//! One party's two components of a secret.

/// Party `i` holds component `i` in `own` and component `i + 1` (mod 3) in `next`.
#[derive(Clone, PartialEq, Eq)]
pub struct Shared<T> {
    pub own: T,
    pub next: T,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Own,
    Next,
}

impl<T> Shared<T> {
    pub fn new(own: T, next: T) -> Self {
        Self { own, next }
    }

    pub fn side(&self, side: Side) -> &T {
        match side {
            Side::Own => &self.own,
            Side::Next => &self.next,
        }
    }

    /// The same local step on both components: linear steps need nothing else.
    pub fn map<U>(&self, mut step: impl FnMut(&T) -> U) -> Shared<U> {
        Shared { own: step(&self.own), next: step(&self.next) }
    }

    /// As `map`, where the components are not needed any more.
    pub fn map_into<U>(self, mut step: impl FnMut(T) -> U) -> Shared<U> {
        Shared { own: step(self.own), next: step(self.next) }
    }

    pub fn zip<U, V>(&self, other: &Shared<U>, mut step: impl FnMut(&T, &U) -> V) -> Shared<V> {
        Shared { own: step(&self.own, &other.own), next: step(&self.next, &other.next) }
    }

    pub fn each(&mut self, mut step: impl FnMut(&mut T)) {
        step(&mut self.own);
        step(&mut self.next);
    }

    pub fn as_ref(&self) -> Shared<&T> {
        Shared { own: &self.own, next: &self.next }
    }
}

impl<T> std::fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared(..)")
    }
}
