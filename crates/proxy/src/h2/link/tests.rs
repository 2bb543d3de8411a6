//! Windows, turns and resets of a connection.

use super::*;

const STREAM_BYTES: usize = 64 << 10;
const WINDOW: u32 = 4 * STREAM_BYTES as u32;

fn link() -> Link {
    Link::new(Rc::default(), STREAM_BYTES as u32, WINDOW)
}

#[test]
fn who_goes_on_has_room_beside_those_who_do_not() {
    let link = link();
    // Three streams hold what they may.
    link.receive(3 * STREAM_BYTES).unwrap();
    for _ in 0..20 {
        link.receive(STREAM_BYTES / 4).unwrap();
        link.credit(STREAM_BYTES / 4);
    }
    assert_eq!(link.held(), 3 * STREAM_BYTES);
}

#[test]
fn what_is_owed_is_granted_when_others_have_used_up_the_room() {
    let link = link();
    link.receive(1_000).unwrap();
    link.credit(1_000);
    assert_eq!(link.owed.get(), 1_000, "little is owed, and much may come");
    link.receive(WINDOW as usize - 1_000).unwrap();
    assert_eq!((link.owed.get(), link.takes.get().room()), (0, 1_000));
}

#[test]
fn who_is_given_up_waits_no_more() {
    let link = link();
    link.gives.set(Window::new(0));
    for id in [1, 3, 5] {
        let stream = link.open_stream(id, true, None);
        assert!(link.poll_room(&stream, 100).is_pending());
        assert_eq!(link.waiting.borrow().len(), 1);
        link.give_up(&stream, Code::CANCEL);
        assert!(link.waiting.borrow().is_empty());
    }
}

#[test]
fn frames_may_come_for_any_stream_that_was_reset_however_many_were() {
    let link = link();
    let ids = || (0..3 * RESETS_REMEMBERED as u32).map(|at| 2 * at + 1);
    for id in ids() {
        link.refuse(id, Code::REFUSED_STREAM);
    }
    assert!(ids().all(|id| link.was_reset(id)));
    let beyond = 6 * RESETS_REMEMBERED as u32 + 1;
    assert!([0, 2, beyond].iter().all(|id| !link.was_reset(*id)), "others were not");
}
