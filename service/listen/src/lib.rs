//! What the node and the portal are as processes: a port that bounds what strangers can take of it, and a
//! word to stop.

mod doors;
mod port;
mod stall;
mod stop;

pub use doors::{Most, network};
pub use port::{Patience, Port, Remote};
pub use stop::told_to_stop;
