-- The extract of examples/data, from the top of the repository; NA is a missing value.
COPY airlines FROM 'examples/data/airlines.csv' WITH (FORMAT csv, HEADER);
COPY airports FROM 'examples/data/airports.csv' WITH (FORMAT csv, HEADER, NULL 'NA');
COPY planes   FROM 'examples/data/planes.csv'   WITH (FORMAT csv, HEADER, NULL 'NA');
COPY weather  FROM 'examples/data/weather.csv'  WITH (FORMAT csv, HEADER, NULL 'NA');
COPY flights  FROM 'examples/data/flights.csv'  WITH (FORMAT csv, HEADER, NULL 'NA');
