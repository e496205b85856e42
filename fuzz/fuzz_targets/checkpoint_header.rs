//! The header and the data of a checkpoint that is whole: what a run that goes on does with them before its first step.
#![no_main]
use libfuzzer_sys::fuzz_target;
use parhelion::checkpoint::layout::{Chunk, Footer, Prefix};
use parhelion_fuzz::{file, parts, read_checkpoint};

fuzz_target!(|data: &[u8]| {
    let [header, data] = parts::<2>(data);
    let prefix = Prefix { header_bytes: header.len() as u64, data_bytes: data.len() as u64 };
    let head = [&prefix.encode(), header].concat();
    let chunk = Chunk { offset: 0, length: data.len() as u64, hash: *blake3::hash(data).as_bytes() };
    let table = if data.is_empty() { Vec::new() } else { chunk.encode().to_vec() };
    let footer = Footer::new(&head, &table, data.len() as u64).encode();
    read_checkpoint(&file("00000007.checkpoint", &[&head, data, &table, &footer].concat()));
});
