//! The API of events.
