//! The other process of a measurement: this very binary, started with a hidden command, on standard input and output.
//!
//! Pipes and sockets alike become its standard input and output, so one echo serves all of them. It ends when its input does, so it never
//! outlives the process that has started it.

use crate::host::topology;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

/// The hidden command.
pub const COMMAND: &str = "mechanism";

/// A child that is waited for, whatever happens.
pub struct Partner(Child);

impl Partner {
    /// Starts this binary as a partner that does `what`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn start(what: &[&OsStr], input: Stdio, output: Stdio) -> io::Result<Partner> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(COMMAND).args(what).stdin(input).stdout(output);
        command.spawn().map(Partner)
    }

    /// The end of its input that we hold, if it was piped.
    pub fn input(&mut self) -> Option<std::process::ChildStdin> {
        self.0.stdin.take()
    }

    /// Waits until it has said a byte on its output, which must be piped.
    ///
    /// # Errors
    /// If it ends without one.
    pub fn await_ready(&mut self) -> io::Result<()> {
        let output = self.0.stdout.as_mut().ok_or_else(|| io::Error::other("a child process without an output"))?;
        output.read_exact(&mut [0])
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it did not end well.
    pub fn end(mut self) -> io::Result<()> {
        drop(self.0.stdin.take());
        let status = self.0.wait()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("a child process ended with {status}"))) }
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        // One that has ended is not signalled: `try_wait` has collected it.
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Sends back what comes in, on a core of its own if one is named. Each phase begins with its message length and its number of messages.
///
/// # Errors
/// If the other end has gone in the middle of a message.
pub fn echo(core: Option<usize>) -> io::Result<()> {
    if let Some(core) = core {
        topology::bind_thread(core);
    }
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    answer(&mut input, &mut output)
}

/// Answers phase after phase until the other end closes.
///
/// # Errors
/// If the other end has gone in the middle of a message.
pub fn answer(input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
    let mut head = [0u8; 16];
    loop {
        match input.read_exact(&mut head) {
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let [bytes, trips] = phase(head);
        let mut message = vec![0u8; bytes];
        for _ in 0..trips {
            input.read_exact(&mut message)?;
            output.write_all(&message)?;
        }
    }
}

/// Announces a phase.
///
/// # Errors
/// Those of the writer.
pub fn announce(output: &mut dyn Write, bytes: usize, trips: usize) -> io::Result<()> {
    let head = [bytes, trips].map(|number| (number as u64).to_le_bytes());
    output.write_all(head.as_flattened())
}

fn phase(head: [u8; 16]) -> [usize; 2] {
    [0, 8].map(|at| head[at..at + 8].iter().rev().fold(0, |number, &byte| (number << 8) | usize::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_answered_until_the_input_ends() {
        let mut input = Vec::new();
        announce(&mut input, 3, 2).unwrap();
        input.extend(b"abcdef");
        announce(&mut input, 1, 1).unwrap();
        input.push(b'g');
        let mut output = Vec::new();
        answer(&mut input.as_slice(), &mut output).unwrap();
        assert_eq!(output, b"abcdefg");
        input.pop();
        assert!(answer(&mut input.as_slice(), &mut Vec::new()).is_err(), "a message that is cut off");
    }
}
