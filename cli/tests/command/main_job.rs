//! The main job on the extract, every step in a run of its own: what one process did the next one finds.

use crate::workplace::Workplace;

const EVERYTHING: &str = "SELECT * FROM flights ORDER BY time_hour, carrier, flight";

#[test]
fn a_pinned_moment_survives_damage_and_comes_back_and_the_restore_is_undone() {
    let work = Workplace::with_flights();
    let original = work.ok(&["flights.db", EVERYTHING]);
    assert_eq!(work.rows("SELECT count(*), sum(distance) FROM flights"), "1785,1900286\n");
    work.ok(&["flights.db", "CREATE SNAPSHOT jan"]);

    // Damage, with a second snapshot between.
    work.ok(&[
        "flights.db",
        "UPDATE flights SET arr_delay = arr_delay + 60 WHERE carrier = 'UA' AND arr_delay IS NOT NULL",
    ]);
    work.ok(&["flights.db", "CREATE SNAPSHOT between"]);
    work.ok(&["flights.db", "DELETE FROM flights WHERE origin = 'LGA'"]);
    work.ok(&[
        "flights.db",
        "INSERT INTO flights SELECT year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, \
         carrier, flight + 10000, tailnum, origin, dest, air_time, distance, hour, minute, time_hour FROM flights WHERE carrier = 'B6'",
    ]);
    let damaged = work.ok(&["flights.db", EVERYTHING]);
    assert_ne!(damaged, original);
    let damaged_at = work.rows("SELECT max(version) FROM bygone.commits").trim().to_owned();

    // Then and now in one query.
    let at_jan = EVERYTHING.replace("FROM flights", "FROM flights AS OF SNAPSHOT jan");
    assert_eq!(work.ok(&["flights.db", &at_jan]), original);
    assert_eq!(work.ok(&["flights.db", "--as-of", "snapshot:jan", EVERYTHING]), original);
    let difference = work
        .rows("SELECT (SELECT count(*) FROM flights) - (SELECT count(*) FROM flights AS OF SNAPSHOT jan)");
    let lines = |text: &str| text.lines().count() as i64;
    assert_eq!(difference.trim().parse::<i64>().unwrap(), lines(&damaged) - lines(&original));

    // A join of both moments finds exactly what the difference of the table says.
    let updated = work.rows(
        "SELECT n.time_hour, n.carrier, n.flight FROM flights n JOIN flights AS OF SNAPSHOT jan o \
         ON o.time_hour = n.time_hour AND o.carrier = n.carrier AND o.flight = n.flight \
         WHERE o.arr_delay IS DISTINCT FROM n.arr_delay ORDER BY 1, 2, 3",
    );
    let diff = |change: &str| {
        work.rows(&format!(
            "SELECT time_hour, carrier, flight FROM table_diff('flights', 'snapshot:jan', 'latest') \
             WHERE _change_type = '{change}' ORDER BY 1, 2, 3"
        ))
    };
    assert_eq!(updated, diff("update_postimage"));
    assert!(lines(&updated) > 100);
    let counts = (lines(&diff("insert")), lines(&updated), lines(&diff("delete")));

    // The dry run tells the same numbers and changes nothing.
    let dry_run =
        work.ok(&["--format", "jsonl", "flights.db", "RESTORE TABLE flights TO SNAPSHOT jan DRY RUN"]);
    let report: serde_json::Value = serde_json::from_str(dry_run.lines().next().unwrap()).unwrap();
    let number = |name: &str| report[name].as_i64().unwrap_or_else(|| panic!("no {name} in {report}"));
    assert_eq!((number("rows_deleted"), number("rows_reverted"), number("rows_brought_back")), counts);
    assert_eq!(work.ok(&["flights.db", EVERYTHING]), damaged);

    work.ok(&["flights.db", "RESTORE TABLE flights TO SNAPSHOT jan"]);
    assert_eq!(work.ok(&["flights.db", EVERYTHING]), original);
    assert_eq!(work.rows("SELECT count(*) FROM table_diff('flights', 'snapshot:jan', 'latest')"), "0\n");

    // The damage is still readable, and so is the snapshot between.
    let at_damage = EVERYTHING.replace("FROM flights", &format!("FROM flights AS OF VERSION {damaged_at}"));
    assert_eq!(work.ok(&["flights.db", &at_damage]), damaged);
    let between = "SELECT count(*), sum(n.arr_delay) - sum(o.arr_delay) FROM flights AS OF SNAPSHOT between n \
                   JOIN flights AS OF SNAPSHOT jan o ON o.time_hour = n.time_hour AND o.carrier = n.carrier AND o.flight = n.flight";
    assert_eq!(
        work.rows(between),
        format!("1785,{}\n", 60 * work.rows(UNITED_WITH_DELAY).trim().parse::<i64>().unwrap())
    );

    // Undo the restore, then put things right again.
    work.ok(&["flights.db", &format!("RESTORE TABLE flights TO VERSION {damaged_at}")]);
    assert_eq!(work.ok(&["flights.db", EVERYTHING]), damaged);
    work.ok(&["flights.db", "RESTORE TABLE flights TO SNAPSHOT jan"]);
    assert_eq!(work.ok(&["flights.db", EVERYTHING]), original);
}

const UNITED_WITH_DELAY: &str =
    "SELECT count(*) FROM flights AS OF SNAPSHOT jan WHERE carrier = 'UA' AND arr_delay IS NOT NULL";
