//! Hosts the state machine: carries its commands out, hands it what came of them, keeps every event in the journal first.

mod windows;
