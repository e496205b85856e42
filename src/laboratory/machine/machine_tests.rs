//! The machine: measured, written, read back; files that a model could not work with are refused.

use super::*;

/// Figures of no machine, for tests of what uses them.
fn sample() -> Machine {
    let bandwidth = |threads: usize, rate: f64| Bandwidth {
        threads,
        copy_bytes_per_s: rate,
        triad_bytes_per_s: rate,
        nontemporal_copy_bytes_per_s: 1.5 * rate,
    };
    Machine {
        cores: 2,
        bandwidth: vec![bandwidth(1, 2e10), bandwidth(2, 3e10)],
        flops: vec![Flops { path: "avx2".to_owned(), threads: 1, f64_per_s: 5e10 }],
        links: vec![Link { name: "tcp".to_owned(), between: String::new(), alpha_s: 1e-5, beta_s_per_byte: 1e-9 }],
        bindings: vec![Binding {
            rank: 0,
            host: "a".to_owned(),
            cpus: vec![0, 1],
            threads: vec![ThreadBinding::default()],
        }],
        ..empty()
    }
}

#[test]
fn what_is_written_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("machine.json");
    sample().write(&path).unwrap();
    assert_eq!(Machine::read(&path).unwrap(), sample());
}

#[test]
fn files_that_no_model_can_use_are_refused_with_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("machine.json");
    let mut bad = [sample(), sample(), sample(), sample()];
    bad[0].version = 2;
    bad[1].bandwidth.clear();
    bad[2].bandwidth[0].copy_bytes_per_s = 0.0;
    bad[3].links[0].alpha_s = -1.0;
    for machine in bad {
        machine.write(&path).unwrap();
        let error = Machine::read(&path).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("parhelion machine --output"), "{error}");
    }
    std::fs::write(&path, "{").unwrap();
    assert_eq!(Machine::read(&path).unwrap_err().exit_code(), 2);
    assert_eq!(Machine::read(&directory.path().join("none")).unwrap_err().exit_code(), 3);
}

#[test]
fn the_page_names_every_part() {
    let page = page::page(&sample());
    for word in ["2 cores", "20.0", "45.0", "avx2", "tcp", "10.000 us", "1.00 GB/s", "rank 0", "not measured"] {
        assert!(page.contains(word), "no {word} in {page}");
    }
}

#[test]
fn a_near_and_a_far_host_are_asked() {
    let on = |hosts: &str| -> Vec<Placement> {
        let of = |host: char| Placement { host: host.to_string(), cores: vec![0], parallelism: 1, threads: 1 };
        hosts.chars().map(of).collect()
    };
    let partners_on = |hosts: &str| partners(hosts.len(), &on(hosts));
    assert_eq!(partners_on("a"), []);
    assert_eq!(partners_on("aa"), [("mpi", 1)]);
    assert_eq!(partners_on("aabbcc"), [("mpi", 2)], "the host in the middle is the next one");
    assert_eq!(partners_on("aabbccdd"), [("mpi", 2), (links::FAR, 4)]);
    assert_eq!(partners_on("abcdabcd"), [("mpi", 1), (links::FAR, 2)], "hosts in turn");
}
