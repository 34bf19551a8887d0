-- The main job: pin a moment, change and damage the data, ask about then and now in one query, see what changed, put it
-- back, and take that back too. Runs after schema.sql and import.sql.

CREATE SNAPSHOT jan COMMENT 'as delivered';

-- Corrections that somebody will regret, and rows that arrive meanwhile.
SET commit_author = 'night shift';
SET commit_message = 'correct the delays';
UPDATE flights SET arr_delay = arr_delay + 60 WHERE carrier = 'UA';
SET commit_message = 'clean up';
DELETE FROM flights WHERE origin = 'LGA';
RESET commit_message;
INSERT INTO flights
    SELECT year, month, day + 2, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, carrier, flight + 5000,
           tailnum, origin, dest, air_time, distance, hour, minute, time_hour + INTERVAL '2 days'
    FROM flights AS OF SNAPSHOT jan WHERE carrier = 'HA';
CREATE SNAPSHOT damaged;

SELECT 'rows now, then, difference' AS question,
       (SELECT count(*) FROM flights) AS now,
       (SELECT count(*) FROM flights AS OF SNAPSHOT jan) AS jan,
       (SELECT count(*) FROM flights) - (SELECT count(*) FROM flights AS OF SNAPSHOT jan) AS difference;

SELECT 'mean delay of UA now and then' AS question,
       (SELECT avg(arr_delay) FROM flights WHERE carrier = 'UA') AS now,
       (SELECT avg(arr_delay) FROM flights AS OF SNAPSHOT jan WHERE carrier = 'UA') AS jan;

SELECT 'rows that a join of both moments finds changed' AS question, count(*) AS rows
FROM flights AS new
JOIN flights AS OF SNAPSHOT jan AS old
  ON old.time_hour = new.time_hour AND old.carrier = new.carrier AND old.flight = new.flight
WHERE old.arr_delay IS DISTINCT FROM new.arr_delay;

SELECT _change_type AS change, count(*) AS rows
FROM table_diff('flights', 'snapshot:jan', 'latest')
GROUP BY _change_type ORDER BY _change_type;

RESTORE TABLE flights TO SNAPSHOT jan DRY RUN;

RESTORE TABLE flights TO SNAPSHOT jan;

SELECT 'differences from jan after the restore' AS question, count(*) AS rows
FROM table_diff('flights', 'snapshot:jan', 'latest');

SELECT 'rows before the restore are still readable' AS question, count(*) AS rows
FROM flights AS OF SNAPSHOT damaged;

-- A restore is one more commit, so it can be undone.
RESTORE TABLE flights TO SNAPSHOT damaged;

SELECT 'differences from damaged after undoing' AS question, count(*) AS rows
FROM table_diff('flights', 'snapshot:damaged', 'latest');
