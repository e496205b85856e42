//! `parhelion run` of an N-body deck.
use super::run::Job;
use crate::error::{Error, Result};
use crate::run_config::NBodyRun;
pub(super) fn run(_: &Job<'_>, _: &NBodyRun) -> Result<u8> {
    Err(Error::Defect("not built".into()))
}
