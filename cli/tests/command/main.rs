//! The built command, run as its users run it.

mod failures;
mod main_job;
mod scripts;
mod tour;
mod workplace;
