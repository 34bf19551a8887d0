//! The vectors of the garbage rule, and the rule against its definition on random histories.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Garbage, RetentionFilter};
use crate::{
    pins::Retained,
    types::{Kind, Timestamp},
};

/// Versions that the rule keeps of `history`: `(begin, is_put)`, newest first, closed by their successors.
/// Where values move, the deletes are listed that their ends say.
fn kept(history: &[(u64, bool)], pins: &[u64], horizon: u64, moves_ended: bool) -> Vec<(u64, bool)> {
    let at = Timestamp::from_micros;
    let pins: BTreeSet<_> = pins.iter().filter(|pin| **pin < horizon).collect();
    let retained = Retained { horizon: at(horizon), pins: pins.into_iter().map(|pin| at(*pin)).collect() };
    let mut filter =
        RetentionFilter::new(&retained, if moves_ended { Garbage::MoveEnded } else { Garbage::DropDeletes });
    filter.begin_key();
    let mut end = Timestamp::OPEN;
    let mut kept = Vec::new();
    for (begin, is_put) in history {
        let verdict = filter.pass((at(*begin), end), if *is_put { Kind::Put } else { Kind::Delete });
        kept.extend(verdict.delete.map(|(begin, _)| (begin.as_micros(), DEL)));
        if verdict.is_kept {
            let newer = kept.last().map_or(Timestamp::OPEN, |(begin, _)| at(*begin));
            let is_said = moves_ended && *is_put && end < newer && retained.can_see(end, newer);
            kept.extend(is_said.then_some((end.as_micros(), DEL)));
            kept.push((*begin, *is_put));
        }
        end = at(*begin);
    }
    kept.extend(filter.begin_key().map(|(begin, _)| (begin.as_micros(), DEL)));
    kept
}

/// Versions of a key, newest first: when, and whether it is a put.
type History<'a> = &'a [(u64, bool)];

const PUT: bool = true;
const DEL: bool = false;

/// Where values move, a delete is dated by the end of the value below it, whatever came between them.
fn check(history: History<'_>, pins: &[u64], horizon: u64, expected: History<'_>) {
    assert_eq!(kept(history, pins, horizon, false), expected, "history {history:?} pins {pins:?}");
    let mut dated = expected.to_vec();
    for (delete, value) in (0..expected.len()).zip(1..expected.len()) {
        if (expected[delete].1, expected[value].1) == (DEL, PUT) {
            let place = history.iter().position(|version| *version == expected[value]).unwrap();
            dated[delete].0 = history[place - 1].0;
        }
    }
    assert_eq!(kept(history, pins, horizon, true), dated, "history {history:?} pins {pins:?}");
}

#[test]
fn the_short_vectors_hold() {
    let cases: &[(History<'_>, &[u64], History<'_>)] = &[
        (&[(30, PUT), (20, DEL), (10, PUT)], &[15], &[(30, PUT), (10, PUT)]),
        (&[(20, DEL), (10, PUT)], &[15], &[(20, DEL), (10, PUT)]),
        (&[(20, DEL), (10, PUT)], &[25], &[]),
        (&[(40, DEL), (20, DEL), (10, PUT)], &[15, 50], &[(40, DEL), (10, PUT)]),
        (&[(40, DEL), (20, DEL), (10, PUT)], &[15, 25, 50], &[(20, DEL), (10, PUT)]),
        (&[(120, DEL), (90, PUT)], &[], &[(120, DEL), (90, PUT)]),
        (&[(90, DEL), (80, PUT)], &[], &[]),
        (&[(90, DEL), (80, PUT)], &[85], &[(90, DEL), (80, PUT)]),
        (&[(110, PUT), (105, PUT), (90, PUT)], &[107], &[(110, PUT), (105, PUT), (90, PUT)]),
        (&[(100, PUT), (99, PUT)], &[], &[(100, PUT)]),
    ];
    for (history, pins, expected) in cases {
        check(history, pins, 100, expected);
    }
}

#[test]
fn the_worked_example_with_two_snapshots_holds() {
    // Microsecond-like units: hours before "now" = 200 h, as 10 × hours, so that x_1 is one tick before x.
    let at = |hours: u64| 2_000 - hours * 10;
    let (d4, d3, d2, h30, h25, h2, s1) = (at(96), at(72), at(48), at(30), at(25), at(2), 1_999);
    let (h25_1, h2_1) = (h25 - 1, h2 - 1);
    let pins = [d2 - 1, h25_1];
    let cases: &[(&str, History<'_>, History<'_>)] = &[
        (
            "a",
            &[(s1, PUT), (h25, PUT), (h30, PUT), (d2, PUT), (d3, DEL), (d4, PUT)],
            &[(s1, PUT), (h25, PUT), (h30, PUT)],
        ),
        ("b", &[(s1, DEL), (h25_1, PUT), (d2, PUT), (d4, PUT)], &[(s1, DEL), (h25_1, PUT), (d4, PUT)]),
        ("c", &[(h25, PUT), (h30, PUT), (d2, PUT)], &[(h25, PUT), (h30, PUT)]),
        (
            "d",
            &[(h25, PUT), (h30, DEL), (d2, DEL), (d3, PUT), (d4, DEL)],
            &[(h25, PUT), (h30, DEL), (d3, PUT)],
        ),
        ("e", &[(s1, PUT), (h25_1, DEL), (d2, PUT)], &[(s1, PUT)]),
        ("f", &[(d2, PUT)], &[(d2, PUT)]),
        ("j", &[(s1, PUT), (h2, PUT), (h2_1, DEL), (d2, DEL)], &[(s1, PUT), (h2, PUT), (h2_1, DEL)]),
        (
            "k",
            &[(s1, DEL), (h2, DEL), (h2_1, DEL), (d2, PUT)],
            &[(s1, DEL), (h2, DEL), (h2_1, DEL), (d2, PUT)],
        ),
        ("l", &[(d4, DEL)], &[]),
    ];
    for (name, history, expected) in cases {
        println!("key {name}");
        check(history, &pins, h25, expected);
    }
}

#[test]
fn a_delete_waits_for_its_own_key_only() {
    let retained = Retained { horizon: Timestamp::from_micros(100), pins: Vec::new() };
    let mut filter = RetentionFilter::new(&retained, Garbage::DropDeletes);
    let at = Timestamp::from_micros;
    for _key in 0..2 {
        filter.begin_key();
        let verdict = filter.pass((at(120), Timestamp::OPEN), Kind::Put);
        assert_eq!((verdict.delete, verdict.is_kept), (None, true));
        let verdict = filter.pass((at(90), at(120)), Kind::Delete);
        assert_eq!((verdict.delete, verdict.is_kept), (None, false));
    }
}

#[test]
fn no_delete_goes_while_older_versions_are_out_of_sight() {
    let retained = Retained { horizon: Timestamp::from_micros(100), pins: Vec::new() };
    let mut filter = RetentionFilter::new(&retained, Garbage::Keep);
    filter.begin_key();
    let open = (Timestamp::from_micros(90), Timestamp::OPEN);
    assert!(filter.pass(open, Kind::Delete).is_kept);
}

#[test]
fn a_delete_of_any_age_goes_with_the_value_that_it_ended() {
    let at = Timestamp::from_micros;
    let retained = Retained { horizon: at(100), pins: vec![at(15)] };
    for deleted in [20, 120] {
        let mut filter = RetentionFilter::new(&retained, Garbage::MoveEnded);
        filter.begin_key();
        assert!(!filter.pass((at(deleted), Timestamp::OPEN), Kind::Delete).is_kept);
        let verdict = filter.pass((at(10), at(deleted)), Kind::Put);
        assert_eq!((verdict.delete, verdict.is_kept), (None, true));
        assert_eq!(filter.begin_key(), None);
    }
    // Of recent deletes in a row each is kept that ended no value.
    let mut filter = RetentionFilter::new(&retained, Garbage::MoveEnded);
    filter.begin_key();
    filter.pass((at(130), Timestamp::OPEN), Kind::Delete);
    let verdict = filter.pass((at(120), at(130)), Kind::Delete);
    assert_eq!((verdict.delete, verdict.is_kept), (Some((at(130), Timestamp::OPEN)), false));
    assert_eq!(filter.pass((at(10), at(120)), Kind::Put).delete, None);
}

/// Value that a read at `at` sees, if there is one.
fn visible(history: &[(u64, bool)], at: u64) -> Option<u64> {
    history.iter().find(|(begin, _)| *begin <= at).filter(|(_, is_put)| *is_put).map(|(begin, _)| *begin)
}

proptest! {
    #[test]
    fn no_readable_moment_changes_and_nothing_needless_is_kept(
        begins in proptest::collection::btree_map(1u64..60, any::<bool>(), 0..10),
        pins in proptest::collection::btree_set(1u64..60, 0..5),
        horizon in 1u64..60,
    ) {
        let history: Vec<(u64, bool)> = begins.into_iter().rev().collect();
        let pins: Vec<u64> = pins.into_iter().collect();
        let readable = |at: u64| at >= horizon || pins.contains(&at);
        for moves_ended in [false, true] {
            let kept = kept(&history, &pins, horizon, moves_ended);
            for at in (0..70).filter(|at| readable(*at)) {
                let (before, after) = (visible(&history, at), visible(&kept, at));
                prop_assert_eq!(before, after, "at {} moves {}", at, moves_ended);
            }
            // Minimal: leaving out any one version that is at or below the horizon changes a readable answer,
            // or the version is newer than the horizon.
            for leave in 0..kept.len() {
                let mut fewer = kept.clone();
                let (begin, _) = fewer.remove(leave);
                let changes = (0..70).filter(|at| readable(*at)).any(|at| visible(&fewer, at) != visible(&history, at));
                prop_assert!(changes || begin > horizon, "version {} is needless in {:?}", begin, kept);
            }
        }
    }
}
