//! Signing in at a provider: a real one, in this process, that can be told to lie.

pub mod attacks;
mod browser;
pub mod factors;
mod house;
pub mod links;
pub mod sign_in;

pub use house::House;
