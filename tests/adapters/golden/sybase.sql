-- the session
SET QUOTED_IDENTIFIER ON
SET ANSINULL ON
SET DATEFORMAT ymd
SET TEXTSIZE 2147483647
SET LOCK WAIT {whole_seconds}
SET TRANSACTION ISOLATION LEVEL 1

-- a page
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", r."NAME", CONVERT(varchar(42), r."AMOUNT"), CASE WHEN r."STAMP" IS NULL THEN NULL ELSE STR_REPLACE(CONVERT(varchar(10), r."STAMP", 111), '/', '-') + ' ' + CONVERT(varchar(8), r."STAMP", 8) + '.' + RIGHT('00' + CONVERT(varchar(3), DATEPART(ms, r."STAMP")), 3) END, BINTOSTR(CONVERT(varbinary(8000), r."PHOTO")), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- the page after it
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE (r."LINE" > ? OR r."LINE" = ? AND r."NO" > CONVERT(bigint, ?)) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- backwards
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE (r."LINE" < ? OR r."LINE" = ? AND r."NO" < CONVERT(bigint, ?)) ORDER BY r."LINE" DESC, r."NO" DESC AT ISOLATION READ COMMITTED

-- sorted by what may be missing
SELECT TOP 101 CONVERT(varchar(24), r."NO"), CASE WHEN r."STAMP" IS NULL THEN NULL ELSE STR_REPLACE(CONVERT(varchar(10), r."STAMP", 111), '/', '-') + ' ' + CONVERT(varchar(8), r."STAMP", 8) + '.' + RIGHT('00' + CONVERT(varchar(3), DATEPART(ms, r."STAMP")), 3) END, r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE (r."STAMP" > CONVERT(datetime, SUBSTRING(?, 1, 23)) OR r."STAMP" = CONVERT(datetime, SUBSTRING(?, 1, 23)) AND r."LINE" > ? OR r."STAMP" = CONVERT(datetime, SUBSTRING(?, 1, 23)) AND r."LINE" = ? AND r."NO" > CONVERT(bigint, ?)) ORDER BY r."STAMP", r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- sorted by what may be missing, after one that is
SELECT TOP 101 CONVERT(varchar(24), r."NO"), CASE WHEN r."STAMP" IS NULL THEN NULL ELSE STR_REPLACE(CONVERT(varchar(10), r."STAMP", 111), '/', '-') + ' ' + CONVERT(varchar(8), r."STAMP", 8) + '.' + RIGHT('00' + CONVERT(varchar(3), DATEPART(ms, r."STAMP")), 3) END, r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE (r."STAMP" IS NOT NULL OR r."STAMP" IS NULL AND r."LINE" > ? OR r."STAMP" IS NULL AND r."LINE" = ? AND r."NO" > CONVERT(bigint, ?)) ORDER BY r."STAMP", r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- sorted by what may be missing, backwards
SELECT TOP 101 CONVERT(varchar(24), r."NO"), CASE WHEN r."STAMP" IS NULL THEN NULL ELSE STR_REPLACE(CONVERT(varchar(10), r."STAMP", 111), '/', '-') + ' ' + CONVERT(varchar(8), r."STAMP", 8) + '.' + RIGHT('00' + CONVERT(varchar(3), DATEPART(ms, r."STAMP")), 3) END, r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE ((r."STAMP" < CONVERT(datetime, SUBSTRING(?, 1, 23)) OR r."STAMP" IS NULL) OR r."STAMP" = CONVERT(datetime, SUBSTRING(?, 1, 23)) AND r."LINE" < ? OR r."STAMP" = CONVERT(datetime, SUBSTRING(?, 1, 23)) AND r."LINE" = ? AND r."NO" < CONVERT(bigint, ?)) ORDER BY r."STAMP" DESC, r."LINE" DESC, r."NO" DESC AT ISOLATION READ COMMITTED

-- sorted by what may be missing, backwards, after one that is
SELECT TOP 101 CONVERT(varchar(24), r."NO"), CASE WHEN r."STAMP" IS NULL THEN NULL ELSE STR_REPLACE(CONVERT(varchar(10), r."STAMP", 111), '/', '-') + ' ' + CONVERT(varchar(8), r."STAMP", 8) + '.' + RIGHT('00' + CONVERT(varchar(3), DATEPART(ms, r."STAMP")), 3) END, r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE (r."STAMP" IS NULL AND r."LINE" < ? OR r."STAMP" IS NULL AND r."LINE" = ? AND r."NO" < CONVERT(bigint, ?)) ORDER BY r."STAMP" DESC, r."LINE" DESC, r."NO" DESC AT ISOLATION READ COMMITTED

-- a row by its key
SELECT TOP 101 CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."LINE" = ? AND r."NO" = CONVERT(bigint, ?) AT ISOLATION READ COMMITTED

-- a number, eq
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."AMOUNT" = CONVERT(numeric(38,10), ?) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a number, ne
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."AMOUNT" <> CONVERT(numeric(38,10), ?) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a number, gt
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."AMOUNT" > CONVERT(numeric(38,10), ?) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a number, gte
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."AMOUNT" >= CONVERT(numeric(38,10), ?) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a number, lt
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."AMOUNT" < CONVERT(numeric(38,10), ?) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a number, lte
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."AMOUNT" <= CONVERT(numeric(38,10), ?) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a number, in
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."AMOUNT" IN (CONVERT(numeric(38,10), ?), CONVERT(numeric(38,10), ?)) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a number, isnull
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."AMOUNT" IS NULL ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a number, notnull
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."AMOUNT" IS NOT NULL ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a text, eq
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."NAME" = ? ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a text, in
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."NAME" IN (?, ?) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a text, contains
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE CHARINDEX(?, r."NAME") > 0 ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a text, startswith
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE CHARINDEX(?, r."NAME") = 1 ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- a time, gte
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."STAMP" >= CONVERT(datetime, SUBSTRING(?, 1, 23)) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- bytes, eq
SELECT TOP 101 CONVERT(varchar(24), r."NO"), r."LINE", CONVERT(varchar(24), r."NO") FROM "ERP"."ORDERS" r WHERE r."PHOTO" = STRTOBIN(?) ORDER BY r."LINE", r."NO" AT ISOLATION READ COMMITTED

-- the tables
SELECT USER_NAME(o.uid), o.name, CASE o.uid WHEN USER_ID() THEN '1' WHEN 1 THEN '1' ELSE '0' END FROM sysobjects o WHERE o.type IN ('U', 'V') ORDER BY 1, 2

-- the columns of a table
SELECT c.name, b.name + CASE WHEN b.name IN ('decimal', 'numeric') THEN '(' + CONVERT(varchar(3), c.prec) + ',' + CONVERT(varchar(3), c.scale) + ')' WHEN b.name IN ('char', 'varchar', 'binary', 'varbinary') THEN '(' + CONVERT(varchar(5), c.length) + ')' ELSE '' END, CASE WHEN b.name IN ('decimal', 'numeric', 'money', 'smallmoney') THEN 'numeric(38,10)' WHEN b.name IN ('tinyint', 'smallint', 'int', 'usmallint', 'uint') THEN 'bigint' WHEN b.name = 'smalldatetime' THEN 'datetime' ELSE b.name END, CASE WHEN c.status & 8 = 8 THEN '1' ELSE '0' END, CASE c.name WHEN INDEX_COL(o.name, i.indid, 1, o.uid) THEN '1' WHEN INDEX_COL(o.name, i.indid, 2, o.uid) THEN '2' WHEN INDEX_COL(o.name, i.indid, 3, o.uid) THEN '3' WHEN INDEX_COL(o.name, i.indid, 4, o.uid) THEN '4' WHEN INDEX_COL(o.name, i.indid, 5, o.uid) THEN '5' WHEN INDEX_COL(o.name, i.indid, 6, o.uid) THEN '6' WHEN INDEX_COL(o.name, i.indid, 7, o.uid) THEN '7' WHEN INDEX_COL(o.name, i.indid, 8, o.uid) THEN '8' WHEN INDEX_COL(o.name, i.indid, 9, o.uid) THEN '9' WHEN INDEX_COL(o.name, i.indid, 10, o.uid) THEN '10' WHEN INDEX_COL(o.name, i.indid, 11, o.uid) THEN '11' WHEN INDEX_COL(o.name, i.indid, 12, o.uid) THEN '12' WHEN INDEX_COL(o.name, i.indid, 13, o.uid) THEN '13' WHEN INDEX_COL(o.name, i.indid, 14, o.uid) THEN '14' WHEN INDEX_COL(o.name, i.indid, 15, o.uid) THEN '15' WHEN INDEX_COL(o.name, i.indid, 16, o.uid) THEN '16' ELSE '0' END FROM syscolumns c JOIN sysobjects o ON o.id = c.id JOIN systypes t ON t.usertype = c.usertype JOIN systypes b ON b.usertype = CASE WHEN t.usertype < 100 THEN t.usertype ELSE (SELECT MIN(m.usertype) FROM systypes m WHERE m.type = t.type AND m.usertype < 100) END LEFT JOIN sysindexes i ON i.id = o.id AND i.status & 2048 = 2048 WHERE o.name = ? AND USER_NAME(o.uid) = ? ORDER BY c.colid
