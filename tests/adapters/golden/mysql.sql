-- the session
SET SESSION TRANSACTION READ ONLY
SET SESSION time_zone = '+00:00'
SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'
SET SESSION max_execution_time = {milliseconds} -- if it can

-- a page
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NAME` AS CHAR), CAST(r.`AMOUNT` AS CHAR), CAST(r.`STAMP` AS CHAR), HEX(r.`PHOTO`), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- the page after it
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE (r.`LINE` > ? OR r.`LINE` = ? AND r.`NO` > CAST(? AS DECIMAL(65,0))) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- backwards
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE (r.`LINE` < ? OR r.`LINE` = ? AND r.`NO` < CAST(? AS DECIMAL(65,0))) ORDER BY r.`LINE` DESC, r.`NO` DESC LIMIT 101

-- sorted by what may be missing
SELECT CAST(r.`NO` AS CHAR), CAST(r.`STAMP` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE (r.`STAMP` > ? OR r.`STAMP` = ? AND r.`LINE` > ? OR r.`STAMP` = ? AND r.`LINE` = ? AND r.`NO` > CAST(? AS DECIMAL(65,0))) ORDER BY r.`STAMP`, r.`LINE`, r.`NO` LIMIT 101

-- sorted by what may be missing, after one that is
SELECT CAST(r.`NO` AS CHAR), CAST(r.`STAMP` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE (r.`STAMP` IS NOT NULL OR r.`STAMP` IS NULL AND r.`LINE` > ? OR r.`STAMP` IS NULL AND r.`LINE` = ? AND r.`NO` > CAST(? AS DECIMAL(65,0))) ORDER BY r.`STAMP`, r.`LINE`, r.`NO` LIMIT 101

-- sorted by what may be missing, backwards
SELECT CAST(r.`NO` AS CHAR), CAST(r.`STAMP` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE ((r.`STAMP` < ? OR r.`STAMP` IS NULL) OR r.`STAMP` = ? AND r.`LINE` < ? OR r.`STAMP` = ? AND r.`LINE` = ? AND r.`NO` < CAST(? AS DECIMAL(65,0))) ORDER BY r.`STAMP` DESC, r.`LINE` DESC, r.`NO` DESC LIMIT 101

-- sorted by what may be missing, backwards, after one that is
SELECT CAST(r.`NO` AS CHAR), CAST(r.`STAMP` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE (r.`STAMP` IS NULL AND r.`LINE` < ? OR r.`STAMP` IS NULL AND r.`LINE` = ? AND r.`NO` < CAST(? AS DECIMAL(65,0))) ORDER BY r.`STAMP` DESC, r.`LINE` DESC, r.`NO` DESC LIMIT 101

-- a row by its key
SELECT CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`LINE` = ? AND r.`NO` = CAST(? AS DECIMAL(65,0)) LIMIT 101

-- a number, eq
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`AMOUNT` = CAST(? AS DECIMAL(65,30)) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a number, ne
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`AMOUNT` <> CAST(? AS DECIMAL(65,30)) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a number, gt
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`AMOUNT` > CAST(? AS DECIMAL(65,30)) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a number, gte
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`AMOUNT` >= CAST(? AS DECIMAL(65,30)) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a number, lt
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`AMOUNT` < CAST(? AS DECIMAL(65,30)) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a number, lte
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`AMOUNT` <= CAST(? AS DECIMAL(65,30)) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a number, in
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`AMOUNT` IN (CAST(? AS DECIMAL(65,30)), CAST(? AS DECIMAL(65,30))) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a number, isnull
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`AMOUNT` IS NULL ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a number, notnull
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`AMOUNT` IS NOT NULL ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a text, eq
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`NAME` = ? ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a text, in
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`NAME` IN (?, ?) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a text, contains
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE LOCATE(CONVERT(? USING utf8mb4) COLLATE utf8mb4_bin, CONVERT(r.`NAME` USING utf8mb4)) > 0 ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a text, startswith
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE LOCATE(CONVERT(? USING utf8mb4) COLLATE utf8mb4_bin, CONVERT(r.`NAME` USING utf8mb4)) = 1 ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- a time, gte
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`STAMP` >= ? ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- bytes, eq
SELECT CAST(r.`NO` AS CHAR), CAST(r.`LINE` AS CHAR), CAST(r.`NO` AS CHAR) FROM `ERP`.`ORDERS` r WHERE r.`PHOTO` = UNHEX(?) ORDER BY r.`LINE`, r.`NO` LIMIT 101

-- the tables
SELECT table_schema, table_name, IF(table_schema = DATABASE(), '1', '0') FROM information_schema.tables WHERE table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY 1, 2

-- the columns of a table
SELECT c.column_name, REPLACE(REPLACE(c.column_type, ' unsigned', ''), ' zerofill', ''), '', IF(c.is_nullable = 'YES', '1', '0'), CAST(COALESCE(s.seq_in_index, 0) AS CHAR) FROM information_schema.columns c LEFT JOIN information_schema.statistics s ON s.table_schema = c.table_schema AND s.table_name = c.table_name AND s.column_name = c.column_name AND s.index_name = 'PRIMARY' WHERE c.table_name = ? AND c.table_schema = ? ORDER BY c.ordinal_position

-- the proof that nothing can be written
SELECT IF(@@session.transaction_read_only, 'on', 'off')
