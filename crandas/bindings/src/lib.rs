//! The seam between Python and the client.
