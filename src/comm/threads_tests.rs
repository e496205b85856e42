//! Tests of ranks that are threads.

use super::*;
use std::time::Duration;

#[test]
fn results_come_in_rank_order_from_named_threads() {
    let names = run(3, |comm| (comm.rank(), thread::current().name().map(str::to_owned)));
    assert_eq!(names, [0, 1, 2].map(|rank| (rank, Some(format!("rank-{rank}")))));
}

#[test]
fn a_panic_frees_ranks_that_wait_at_a_barrier_or_for_a_message() {
    let caught = catch_unwind(|| {
        run(3, |comm| match comm.rank() {
            0 => {
                thread::sleep(Duration::from_millis(50));
                resume_unwind(Box::new("rank 0 gave up"))
            }
            1 => comm.barrier(),
            _ => comm.exchange(&[], &mut [Incoming { from: 0, tag: 0, data: &mut [0] }], &mut || ()),
        })
    });
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"rank 0 gave up"));
}

#[test]
fn a_sender_is_never_more_than_two_messages_ahead() {
    let sent = AtomicBool::new(false);
    run(2, |comm| {
        for step in 0..3u8 {
            match comm.rank() {
                0 => comm.exchange(&[Outgoing { to: 1, tag: 0, data: &[step] }], &mut [], &mut || ()),
                _ => {
                    thread::sleep(Duration::from_millis(30));
                    assert!(step > 0 || !sent.load(Ordering::SeqCst), "three messages were sent and none taken");
                    let mut byte = [9];
                    comm.exchange(&[], &mut [Incoming { from: 0, tag: 0, data: &mut byte }], &mut || ());
                    assert_eq!(byte, [step]);
                }
            }
        }
        if comm.rank() == 0 {
            sent.store(true, Ordering::SeqCst);
        }
    });
}
