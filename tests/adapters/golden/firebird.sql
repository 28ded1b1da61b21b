-- the session
SET STATEMENT TIMEOUT {whole_seconds} SECOND -- if it can
SET TIME ZONE 'UTC' -- if it can

-- a page
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", r."NAME", CAST(r."AMOUNT" AS VARCHAR(44)), CAST(r."STAMP" AS VARCHAR(24)), r."PHOTO", r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r ORDER BY r."LINE", r."NO"

-- the page after it
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE (r."LINE" > ? OR r."LINE" = ? AND r."NO" > CAST(? AS BIGINT)) ORDER BY r."LINE", r."NO"

-- backwards
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE (r."LINE" < ? OR r."LINE" = ? AND r."NO" < CAST(? AS BIGINT)) ORDER BY r."LINE" DESC, r."NO" DESC

-- sorted by what may be missing
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), CAST(r."STAMP" AS VARCHAR(24)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE (r."STAMP" > CAST(? AS TIMESTAMP) OR r."STAMP" = CAST(? AS TIMESTAMP) AND r."LINE" > ? OR r."STAMP" = CAST(? AS TIMESTAMP) AND r."LINE" = ? AND r."NO" > CAST(? AS BIGINT)) ORDER BY r."STAMP", r."LINE", r."NO"

-- sorted by what may be missing, after one that is
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), CAST(r."STAMP" AS VARCHAR(24)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE (r."STAMP" IS NOT NULL OR r."STAMP" IS NULL AND r."LINE" > ? OR r."STAMP" IS NULL AND r."LINE" = ? AND r."NO" > CAST(? AS BIGINT)) ORDER BY r."STAMP", r."LINE", r."NO"

-- sorted by what may be missing, backwards
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), CAST(r."STAMP" AS VARCHAR(24)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE ((r."STAMP" < CAST(? AS TIMESTAMP) OR r."STAMP" IS NULL) OR r."STAMP" = CAST(? AS TIMESTAMP) AND r."LINE" < ? OR r."STAMP" = CAST(? AS TIMESTAMP) AND r."LINE" = ? AND r."NO" < CAST(? AS BIGINT)) ORDER BY r."STAMP" DESC, r."LINE" DESC, r."NO" DESC

-- sorted by what may be missing, backwards, after one that is
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), CAST(r."STAMP" AS VARCHAR(24)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE (r."STAMP" IS NULL AND r."LINE" < ? OR r."STAMP" IS NULL AND r."LINE" = ? AND r."NO" < CAST(? AS BIGINT)) ORDER BY r."STAMP" DESC, r."LINE" DESC, r."NO" DESC

-- a row by its key
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."LINE" = ? AND r."NO" = CAST(? AS BIGINT)

-- a number, eq
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."AMOUNT" = CAST(? AS NUMERIC(18,2)) ORDER BY r."LINE", r."NO"

-- a number, ne
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."AMOUNT" <> CAST(? AS NUMERIC(18,2)) ORDER BY r."LINE", r."NO"

-- a number, gt
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."AMOUNT" > CAST(? AS NUMERIC(18,2)) ORDER BY r."LINE", r."NO"

-- a number, gte
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."AMOUNT" >= CAST(? AS NUMERIC(18,2)) ORDER BY r."LINE", r."NO"

-- a number, lt
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."AMOUNT" < CAST(? AS NUMERIC(18,2)) ORDER BY r."LINE", r."NO"

-- a number, lte
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."AMOUNT" <= CAST(? AS NUMERIC(18,2)) ORDER BY r."LINE", r."NO"

-- a number, in
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."AMOUNT" IN (CAST(? AS NUMERIC(18,2)), CAST(? AS NUMERIC(18,2))) ORDER BY r."LINE", r."NO"

-- a number, isnull
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."AMOUNT" IS NULL ORDER BY r."LINE", r."NO"

-- a number, notnull
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."AMOUNT" IS NOT NULL ORDER BY r."LINE", r."NO"

-- a text, eq
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."NAME" = ? ORDER BY r."LINE", r."NO"

-- a text, in
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."NAME" IN (?, ?) ORDER BY r."LINE", r."NO"

-- a text, contains
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE POSITION(? IN r."NAME") > 0 ORDER BY r."LINE", r."NO"

-- a text, startswith
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE POSITION(? IN r."NAME") = 1 ORDER BY r."LINE", r."NO"

-- a time, gte
SELECT FIRST 101 CAST(r."NO" AS VARCHAR(40)), r."LINE", CAST(r."NO" AS VARCHAR(40)) FROM "ORDERS" r WHERE r."STAMP" >= CAST(? AS TIMESTAMP) ORDER BY r."LINE", r."NO"

-- the tables
SELECT '', TRIM(r.rdb$relation_name), '1' FROM rdb$relations r WHERE COALESCE(r.rdb$system_flag, 0) = 0 ORDER BY 2

-- the columns of a table
SELECT TRIM(s.rdb$field_name), CASE WHEN f.rdb$field_scale < 0 AND f.rdb$field_type IN (7, 8, 16, 26) THEN 'numeric(' || COALESCE(f.rdb$field_precision, 18) || ',' || (0 - f.rdb$field_scale) || ')' ELSE CASE f.rdb$field_type WHEN 7 THEN 'smallint' WHEN 8 THEN 'integer' WHEN 16 THEN 'bigint' WHEN 26 THEN 'int128' WHEN 10 THEN 'float' WHEN 27 THEN 'double precision' WHEN 24 THEN 'decfloat' WHEN 25 THEN 'decfloat' WHEN 12 THEN 'date' WHEN 13 THEN 'time' WHEN 35 THEN 'timestamp' WHEN 23 THEN 'boolean' WHEN 28 THEN 'time with time zone' WHEN 29 THEN 'timestamp with time zone' WHEN 14 THEN 'char' WHEN 37 THEN 'varchar' WHEN 40 THEN 'cstring' WHEN 261 THEN CASE f.rdb$field_sub_type WHEN 1 THEN 'blob text' ELSE 'blob' END ELSE 'unknown' END END, CASE WHEN f.rdb$field_scale < 0 THEN 'NUMERIC(18,' || (0 - f.rdb$field_scale) || ')' ELSE CASE f.rdb$field_type WHEN 26 THEN 'INT128' WHEN 24 THEN 'DECFLOAT' WHEN 25 THEN 'DECFLOAT' ELSE 'BIGINT' END END, CASE WHEN COALESCE(s.rdb$null_flag, f.rdb$null_flag, 0) = 1 THEN '0' ELSE '1' END, CAST(COALESCE(k.place, 0) AS VARCHAR(5)) FROM rdb$relation_fields s JOIN rdb$fields f ON f.rdb$field_name = s.rdb$field_source LEFT JOIN (SELECT c.rdb$relation_name AS home, g.rdb$field_name AS part, g.rdb$field_position + 1 AS place FROM rdb$relation_constraints c JOIN rdb$index_segments g ON g.rdb$index_name = c.rdb$index_name WHERE c.rdb$constraint_type = 'PRIMARY KEY') k ON k.home = s.rdb$relation_name AND k.part = s.rdb$field_name WHERE s.rdb$relation_name = ? AND CAST(? AS VARCHAR(63)) = '' ORDER BY s.rdb$field_position

-- the proof that nothing can be written
SELECT RDB$GET_CONTEXT('SYSTEM', 'READ_ONLY') FROM RDB$DATABASE
