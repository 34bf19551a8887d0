-- Flights out of New York City in 2013, with what they refer to. The files are in examples/data.
CREATE TABLE airlines (
    carrier TEXT PRIMARY KEY,
    name    TEXT NOT NULL
);

CREATE TABLE airports (
    faa   TEXT PRIMARY KEY,
    name  TEXT NOT NULL,
    lat   DOUBLE PRECISION NOT NULL,
    lon   DOUBLE PRECISION NOT NULL,
    alt   INTEGER NOT NULL,
    tz    INTEGER NOT NULL,
    dst   TEXT NOT NULL,
    tzone TEXT
);

CREATE TABLE planes (
    tailnum      TEXT PRIMARY KEY,
    year         INTEGER,
    type         TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    model        TEXT NOT NULL,
    engines      INTEGER NOT NULL,
    seats        INTEGER NOT NULL,
    speed        INTEGER,
    engine       TEXT NOT NULL
);

CREATE TABLE weather (
    origin     TEXT,
    year       INTEGER NOT NULL,
    month      INTEGER NOT NULL,
    day        INTEGER NOT NULL,
    hour       INTEGER NOT NULL,
    temp       DOUBLE PRECISION,
    dewp       DOUBLE PRECISION,
    humid      DOUBLE PRECISION,
    wind_dir   INTEGER,
    wind_speed DOUBLE PRECISION,
    wind_gust  DOUBLE PRECISION,
    precip     DOUBLE PRECISION NOT NULL,
    pressure   DOUBLE PRECISION,
    visib      DOUBLE PRECISION NOT NULL,
    time_hour  TIMESTAMPTZ,
    PRIMARY KEY (origin, time_hour)
);

CREATE TABLE flights (
    year           INTEGER NOT NULL,
    month          INTEGER NOT NULL,
    day            INTEGER NOT NULL,
    dep_time       INTEGER,
    sched_dep_time INTEGER NOT NULL,
    dep_delay      INTEGER,
    arr_time       INTEGER,
    sched_arr_time INTEGER NOT NULL,
    arr_delay      INTEGER,
    carrier        TEXT,
    flight         INTEGER,
    tailnum        TEXT,
    origin         TEXT NOT NULL,
    dest           TEXT NOT NULL,
    air_time       INTEGER,
    distance       INTEGER NOT NULL,
    hour           INTEGER NOT NULL,
    minute         INTEGER NOT NULL,
    time_hour      TIMESTAMPTZ,
    PRIMARY KEY (time_hour, carrier, flight)
);
