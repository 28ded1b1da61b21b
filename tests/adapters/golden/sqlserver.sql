-- the session
SET QUOTED_IDENTIFIER ON
SET ANSI_NULLS ON
SET DATEFORMAT ymd
SET TEXTSIZE 2147483647
SET LOCK_TIMEOUT {milliseconds}
SET DEADLOCK_PRIORITY LOW
SET TRANSACTION ISOLATION LEVEL READ COMMITTED

-- a page
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NAME" AS nvarchar(max)), CAST(r."AMOUNT" AS varchar(42)), CONVERT(varchar(33), r."STAMP", 121), CONVERT(varchar(max), CAST(r."PHOTO" AS varbinary(max)), 2), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r ORDER BY r."LINE", r."NO"

-- the page after it
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE (r."LINE" > CAST(? AS varchar(8000)) OR r."LINE" = CAST(? AS varchar(8000)) AND r."NO" > CAST(? AS bigint)) ORDER BY r."LINE", r."NO"

-- backwards
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE (r."LINE" < CAST(? AS varchar(8000)) OR r."LINE" = CAST(? AS varchar(8000)) AND r."NO" < CAST(? AS bigint)) ORDER BY r."LINE" DESC, r."NO" DESC

-- sorted by what may be missing
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CONVERT(varchar(33), r."STAMP", 121), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE (r."STAMP" > CAST(CAST(? AS datetime2) AS datetime) OR r."STAMP" = CAST(CAST(? AS datetime2) AS datetime) AND r."LINE" > CAST(? AS varchar(8000)) OR r."STAMP" = CAST(CAST(? AS datetime2) AS datetime) AND r."LINE" = CAST(? AS varchar(8000)) AND r."NO" > CAST(? AS bigint)) ORDER BY r."STAMP", r."LINE", r."NO"

-- sorted by what may be missing, after one that is
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CONVERT(varchar(33), r."STAMP", 121), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE (r."STAMP" IS NOT NULL OR r."STAMP" IS NULL AND r."LINE" > CAST(? AS varchar(8000)) OR r."STAMP" IS NULL AND r."LINE" = CAST(? AS varchar(8000)) AND r."NO" > CAST(? AS bigint)) ORDER BY r."STAMP", r."LINE", r."NO"

-- sorted by what may be missing, backwards
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CONVERT(varchar(33), r."STAMP", 121), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE ((r."STAMP" < CAST(CAST(? AS datetime2) AS datetime) OR r."STAMP" IS NULL) OR r."STAMP" = CAST(CAST(? AS datetime2) AS datetime) AND r."LINE" < CAST(? AS varchar(8000)) OR r."STAMP" = CAST(CAST(? AS datetime2) AS datetime) AND r."LINE" = CAST(? AS varchar(8000)) AND r."NO" < CAST(? AS bigint)) ORDER BY r."STAMP" DESC, r."LINE" DESC, r."NO" DESC

-- sorted by what may be missing, backwards, after one that is
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CONVERT(varchar(33), r."STAMP", 121), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE (r."STAMP" IS NULL AND r."LINE" < CAST(? AS varchar(8000)) OR r."STAMP" IS NULL AND r."LINE" = CAST(? AS varchar(8000)) AND r."NO" < CAST(? AS bigint)) ORDER BY r."STAMP" DESC, r."LINE" DESC, r."NO" DESC

-- a row by its key
SELECT TOP (101) CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."LINE" = CAST(? AS varchar(8000)) AND r."NO" = CAST(? AS bigint)

-- a number, eq
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."AMOUNT" = CAST(? AS decimal(38,10)) ORDER BY r."LINE", r."NO"

-- a number, ne
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."AMOUNT" <> CAST(? AS decimal(38,10)) ORDER BY r."LINE", r."NO"

-- a number, gt
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."AMOUNT" > CAST(? AS decimal(38,10)) ORDER BY r."LINE", r."NO"

-- a number, gte
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."AMOUNT" >= CAST(? AS decimal(38,10)) ORDER BY r."LINE", r."NO"

-- a number, lt
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."AMOUNT" < CAST(? AS decimal(38,10)) ORDER BY r."LINE", r."NO"

-- a number, lte
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."AMOUNT" <= CAST(? AS decimal(38,10)) ORDER BY r."LINE", r."NO"

-- a number, in
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."AMOUNT" IN (CAST(? AS decimal(38,10)), CAST(? AS decimal(38,10))) ORDER BY r."LINE", r."NO"

-- a number, isnull
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."AMOUNT" IS NULL ORDER BY r."LINE", r."NO"

-- a number, notnull
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."AMOUNT" IS NOT NULL ORDER BY r."LINE", r."NO"

-- a text, eq
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."NAME" = CAST(? AS nvarchar(4000)) ORDER BY r."LINE", r."NO"

-- a text, in
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."NAME" IN (CAST(? AS nvarchar(4000)), CAST(? AS nvarchar(4000))) ORDER BY r."LINE", r."NO"

-- a text, contains
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE CHARINDEX(CAST(? AS nvarchar(4000)) COLLATE Latin1_General_100_BIN2, r."NAME" COLLATE Latin1_General_100_BIN2) > 0 ORDER BY r."LINE", r."NO"

-- a text, startswith
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE CHARINDEX(CAST(? AS nvarchar(4000)) COLLATE Latin1_General_100_BIN2, r."NAME" COLLATE Latin1_General_100_BIN2) = 1 ORDER BY r."LINE", r."NO"

-- a time, gte
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."STAMP" >= CAST(CAST(? AS datetime2) AS datetime) ORDER BY r."LINE", r."NO"

-- bytes, eq
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CAST(r."LINE" AS nvarchar(max)), CAST(r."NO" AS varchar(20)) FROM "ERP"."ORDERS" r WHERE r."PHOTO" = CONVERT(varbinary(8000), CAST(? AS varchar(8000)), 2) ORDER BY r."LINE", r."NO"

-- the tables
SELECT s.name, o.name, CASE WHEN s.name = SCHEMA_NAME() THEN '1' ELSE '0' END FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY 1, 2

-- the columns of a table
SELECT c.name, t.name + CASE WHEN t.name IN ('decimal', 'numeric') THEN '(' + CAST(c.precision AS varchar(3)) + ',' + CAST(c.scale AS varchar(3)) + ')' WHEN t.name IN ('datetime2', 'time', 'datetimeoffset') THEN '(' + CAST(c.scale AS varchar(3)) + ')' WHEN c.max_length = -1 AND t.name IN ('varchar', 'nvarchar', 'varbinary') THEN '(max)' WHEN t.name IN ('nchar', 'nvarchar') THEN '(' + CAST(c.max_length / 2 AS varchar(5)) + ')' WHEN t.name IN ('char', 'varchar', 'binary', 'varbinary') THEN '(' + CAST(c.max_length AS varchar(5)) + ')' ELSE '' END, CASE WHEN t.name IN ('decimal', 'numeric') THEN 'decimal(38,' + CAST(CASE WHEN c.precision - c.scale > 28 OR c.scale > 10 THEN c.scale ELSE 10 END AS varchar(3)) + ')' WHEN t.name IN ('money', 'smallmoney') THEN 'decimal(38,10)' WHEN t.name IN ('tinyint', 'smallint', 'int') THEN 'bigint' WHEN t.name = 'real' THEN 'float' WHEN t.name IN ('char', 'varchar', 'text') THEN 'varchar(8000)' WHEN t.name IN ('nchar', 'nvarchar', 'ntext', 'xml', 'sql_variant', 'sysname') THEN 'nvarchar(4000)' ELSE t.name END, CASE c.is_nullable WHEN 1 THEN '1' ELSE '0' END, CAST(COALESCE(k.key_ordinal, 0) AS varchar(5)) FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.types t ON t.user_type_id = CASE c.system_type_id WHEN 240 THEN c.user_type_id ELSE c.system_type_id END LEFT JOIN (SELECT x.object_id, x.column_id, x.key_ordinal FROM sys.index_columns x JOIN sys.indexes i ON i.object_id = x.object_id AND i.index_id = x.index_id WHERE i.is_primary_key = 1) k ON k.object_id = c.object_id AND k.column_id = c.column_id WHERE o.name = ? AND s.name = ? ORDER BY c.column_id

-- what is new by a row version
SELECT TOP (101) CAST(r."NO" AS varchar(20)), CONVERT(varchar(max), CAST(r."VERSION" AS varbinary(max)), 2) FROM "ERP"."ORDERS" r WHERE r."VERSION" < MIN_ACTIVE_ROWVERSION() AND (r."VERSION" > CONVERT(varbinary(8000), CAST(? AS varchar(8000)), 2)) ORDER BY r."VERSION"
